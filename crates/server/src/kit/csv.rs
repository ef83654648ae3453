//! Comma-separated values, for programs that calculate.

/// A line of a table (RFC 4180). Every cell is quoted, and one that a program would take for a
/// formula begins with an apostrophe, which makes it text (CON-09).
#[must_use]
pub fn line<C: AsRef<str>>(cells: impl IntoIterator<Item = C>) -> String {
    let cells: Vec<_> = cells
        .into_iter()
        .map(|cell| quoted(cell.as_ref()))
        .collect();
    cells.join(",") + "\r\n"
}

fn quoted(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let mark = if is_formula { "'" } else { "" };
    format!("\"{mark}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_text_and_quotes_are_doubled() {
        let cells = ["=1+1", "-2", "@x", "+3", "\tq", "a \"b\", c", "", "x=1"];
        assert_eq!(
            line(cells),
            "\"'=1+1\",\"'-2\",\"'@x\",\"'+3\",\"'\tq\",\"a \"\"b\"\", c\",\"\",\"x=1\"\r\n"
        );
    }
}
