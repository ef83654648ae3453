//! Text for a POSIX shell.

/// `text` as one word, whatever is in it.
#[must_use]
pub fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// `text` as one word that people can read, where it needs no quotes.
#[must_use]
pub fn quote_if_needed(text: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./:@".contains(&b);
    if !text.is_empty() && text.bytes().all(is_plain) {
        text.to_owned()
    } else {
        quote(text)
    }
}

/// `NAME='value'`, ready for `eval` or a file to source.
#[must_use]
pub fn assignment(name: &str, value: &str) -> String {
    format!("{name}={}", quote(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_the_quotes() {
        assert_eq!(assignment("X", "a'b$(c)"), r"X='a'\''b$(c)'");
        assert_eq!(quote_if_needed("./data"), "./data");
        assert_eq!(quote_if_needed("my data"), "'my data'");
    }
}
