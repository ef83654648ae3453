//! One statement for many rows: the way to the database and back takes longer than a row does.

/// How many rows a statement takes. When there are fewer, rows that match nothing fill it up: so
/// its text is always the same, and prepared once.
pub(crate) const ROWS: usize = 32;

/// Writes the parameters of all rows in the place of `$rows`: `($1, $2), ($3, $4), ..` for two
/// columns. As a table, their columns are called `column1`, `column2` and so on by both engines.
pub(crate) fn of_many(text: &str, columns: usize) -> String {
    let row = |row: usize| {
        let numbers = (1..=columns).map(|column| format!("${}", row * columns + column));
        format!("({})", numbers.collect::<Vec<_>>().join(", "))
    };
    let rows: Vec<String> = (0..ROWS).map(row).collect();
    text.replace("$rows", &rows.join(", "))
}

/// The rows of one statement after the other, each filled up with nothing.
pub(crate) fn filled<T>(rows: &[T]) -> impl Iterator<Item = impl Iterator<Item = Option<&T>>> {
    rows.chunks(ROWS)
        .map(|chunk| (0..ROWS).map(move |at| chunk.get(at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_parameters_of_its_own() {
        let text = of_many("VALUES $rows", 2);

        assert!(text.starts_with("VALUES ($1, $2), ($3, $4), "), "{text}");
        assert!(text.ends_with(", ($63, $64)"), "{text}");
    }

    #[test]
    fn the_last_statement_is_filled_up() {
        let numbers: Vec<usize> = (0..ROWS + 1).collect();

        let statements: Vec<Vec<_>> = filled(&numbers).map(Iterator::collect).collect();

        assert_eq!(statements.len(), 2);
        assert_eq!(statements[1][..2], [Some(&ROWS), None]);
        assert_eq!(statements[1].len(), ROWS);
    }
}
