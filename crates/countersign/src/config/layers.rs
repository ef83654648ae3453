//! Merges texts of TOML, each with a name, and says by that name where a mistake is.

use std::ffi::OsString;
use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::ConfigError;

/// Texts in the order of their weight: a later one wins.
#[derive(Default)]
pub(super) struct Layers(Vec<Layer>);

struct Layer {
    source: Source,
    text: String,
}

enum Source {
    File(String),
    /// A variable or a flag; its name says enough.
    Named(String),
}

impl Layers {
    pub(super) fn add_file(&mut self, path: &Path, text: String) {
        self.0.push(Layer {
            source: Source::File(path.display().to_string()),
            text,
        });
    }

    /// Variables `COUNTERSIGN__SECTION__KEY`. A value that is a number, `true`, `false`, quoted,
    /// a list or a table in TOML is taken as that; anything else is text.
    pub(super) fn add_environment(
        &mut self,
        variables: &[(OsString, OsString)],
    ) -> Result<(), ConfigError> {
        for (name, value) in variables {
            let Some(path) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else {
                continue;
            };
            let shown = format!("environment variable `{PREFIX}{path}`");
            let Some(value) = value.to_str() else {
                return Err(ConfigError::Setting {
                    place: shown,
                    message: "the value is not UTF-8".to_owned(),
                });
            };
            let keys: Vec<String> = path
                .split("__")
                .map(|key| quoted(&key.to_ascii_lowercase()))
                .collect();
            self.add(shown, &keys.join("."), &value_of(value));
        }
        Ok(())
    }

    pub(super) fn add_flag(&mut self, flag: &str, key: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.add(format!("`{flag}`"), key, &quoted(&value.to_string()));
        }
    }

    fn add(&mut self, shown: String, key: &str, value: &str) {
        self.0.push(Layer {
            source: Source::Named(shown),
            text: format!("{key} = {value}"),
        });
    }

    pub(super) fn append(&mut self, mut above: Self) {
        self.0.append(&mut above.0);
    }

    /// The text at `path`, such as `store.url`, if any layer has one.
    pub(super) fn text(&self, path: &str) -> Result<Option<String>, ConfigError> {
        let shifted = self.shifted();
        let merged = self.merge(&shifted)?;
        let mut keys = path.split('.');
        let first = keys.next().and_then(|key| merged.get_ref().get(key));
        let found = keys.try_fold(first, |value, key| {
            value.map(|value| value.get_ref().get(key))
        });
        Ok(found
            .flatten()
            .and_then(|value| value.get_ref().as_str())
            .map(str::to_owned))
    }

    /// Everything, merged, as one value.
    pub(super) fn deserialize<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        let shifted = self.shifted();
        let merged = self.merge(&shifted)?;
        T::deserialize(Deserializer::from(merged)).map_err(|error| self.explain(&error))
    }

    /// The texts, each behind so many blanks that no two of them share a position: a position
    /// in the merged value then tells which text it is from.
    fn shifted(&self) -> Vec<String> {
        let mut start = 0;
        let shift = |layer: &Layer| {
            let text = " ".repeat(start) + &layer.text;
            start = text.len() + 1;
            text
        };
        self.0.iter().map(shift).collect()
    }

    fn merge<'a>(&self, shifted: &'a [String]) -> Result<Spanned<DeTable<'a>>, ConfigError> {
        let mut merged = Spanned::new(0..0, DeTable::new());
        for text in shifted {
            let table = DeTable::parse(text).map_err(|error| self.explain(&error))?;
            merge(merged.get_mut(), table.into_inner());
        }
        Ok(merged)
    }

    fn explain(&self, error: &toml::de::Error) -> ConfigError {
        let place = error.span().and_then(|span| self.place(&span));
        ConfigError::Setting {
            place: place.unwrap_or_else(|| "configuration".to_owned()),
            message: error.message().replace('\n', "; "),
        }
    }

    fn place(&self, span: &Range<usize>) -> Option<String> {
        let mut start = 0;
        for layer in &self.0 {
            let end = start + layer.text.len();
            if span.start <= end {
                let at = span.start.checked_sub(start)?;
                return Some(layer.place(at));
            }
            start = end + 1;
        }
        None
    }
}

impl Layer {
    fn place(&self, at: usize) -> String {
        match &self.source {
            Source::Named(name) => name.clone(),
            Source::File(path) => {
                let before = self.text.get(..at).unwrap_or(&self.text);
                let line = before.matches('\n').count() + 1;
                let column = before
                    .rsplit('\n')
                    .next()
                    .unwrap_or_default()
                    .chars()
                    .count()
                    + 1;
                format!("{path}:{line}:{column}")
            }
        }
    }
}

/// Tables are merged; of anything else, the later wins.
fn merge<'a>(below: &mut DeTable<'a>, above: DeTable<'a>) {
    for (key, value) in above {
        match below.get_mut(&key).map(Spanned::get_mut) {
            Some(DeValue::Table(into)) if value.get_ref().is_table() => {
                if let DeValue::Table(from) = value.into_inner() {
                    merge(into, from);
                }
            }
            _ => _ = below.insert(key, value),
        }
    }
}

fn value_of(text: &str) -> String {
    let is_toml = match DeValue::parse(text).map(Spanned::into_inner) {
        Ok(DeValue::Datetime(_)) | Err(_) => false,
        Ok(_) => true,
    };
    if is_toml {
        text.to_owned()
    } else {
        quoted(text)
    }
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

const PREFIX: &str = "COUNTERSIGN__";
