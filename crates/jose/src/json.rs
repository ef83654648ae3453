//! JSON as a signed statement needs it: one object, and no two ways to read it.
//!
//! UTF-8 without byte order mark, no trailing data, no member twice at any depth (also not when
//! one of the two is spelled with escapes), at most 16 levels deep. Numbers are integers of 64
//! bits or "not an integer"; nobody computes with the latter. Sources: RFC 7519 section 4,
//! security.md JOS-07 to JOS-09.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::error::{ClaimError, ClaimFault, Malformed};

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number without fraction and exponent that fits in 64 bits.
    Integer(i64),
    /// Any other number. Its value is not kept, so that nobody can use it.
    NotAnInteger,
    /// A string.
    String(String),
    /// A list.
    Array(Vec<Self>),
    /// An object.
    Object(Object),
}

/// A JSON object with its members in the order they were written, each name once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object(Vec<(String, Value)>);

/// Identifier of a token (`jti`), with its JSON type: `1` and `"1"` are different (RPL-03).
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum TokenId {
    /// An integer, as some clients write it.
    Integer(i64),
    /// A string of 1 to 256 bytes.
    Text(String),
}

impl fmt::Display for TokenId {
    /// A text that differs wherever the identifiers differ: `1` or `"1"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "\"{text}\""),
        }
    }
}

impl Object {
    /// Reads one strict JSON object.
    ///
    /// # Errors
    /// [`Malformed::Json`], which does not say where: the text is not for any log.
    pub fn parse(json: &[u8]) -> Result<Self, Malformed> {
        let mut reader = serde_json::Deserializer::from_slice(json);
        let value = Strict { levels: DEEPEST }.deserialize(&mut reader);
        match (value, reader.end()) {
            (Ok(Value::Object(object)), Ok(())) => Ok(object),
            _ => Err(Malformed::Json),
        }
    }

    /// The value of a member.
    pub fn find(&self, name: &str) -> Option<&Value> {
        self.0
            .iter()
            .find(|(member, _)| member == name)
            .map(|(_, value)| value)
    }

    /// All members in the order they were written.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// A string that must be there.
    ///
    /// # Errors
    /// Missing or not a string.
    pub fn string(&self, name: &str) -> Result<&str, ClaimError> {
        required(name, self.optional_string(name)?)
    }

    /// A string that may be absent. `null` is not absent (JOS-09).
    ///
    /// # Errors
    /// Not a string.
    pub fn optional_string(&self, name: &str) -> Result<Option<&str>, ClaimError> {
        self.find(name)
            .map(|value| match value {
                Value::String(text) => Ok(text.as_str()),
                _ => Err(ClaimError::new(name, ClaimFault::WrongType)),
            })
            .transpose()
    }

    /// An integer that must be there.
    ///
    /// # Errors
    /// Missing or not an integer of 64 bits.
    pub fn integer(&self, name: &str) -> Result<i64, ClaimError> {
        required(name, self.optional_integer(name)?)
    }

    /// An integer that may be absent.
    ///
    /// # Errors
    /// Not an integer of 64 bits: `1.0`, `"1"` and `null` are none.
    pub fn optional_integer(&self, name: &str) -> Result<Option<i64>, ClaimError> {
        self.find(name)
            .map(|value| match value {
                Value::Integer(number) => Ok(*number),
                _ => Err(ClaimError::new(name, ClaimFault::WrongType)),
            })
            .transpose()
    }

    /// A non-negative number written as a string of 1 to 15 digits, as `created_at` and
    /// `expires_in` of IMS tokens are (ims-protocol 4.2). Fifteen digits cannot overflow any sum.
    ///
    /// # Errors
    /// Missing, not a string, or not such digits.
    pub fn digits(&self, name: &str) -> Result<i64, ClaimError> {
        let text = self.string(name)?;
        let is_number = (1..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse()
            .ok()
            .filter(|_| is_number)
            .ok_or_else(|| not_allowed(name))
    }

    /// `aud` as a string or a list of strings, never empty (RFC 7519 section 4.1.3).
    ///
    /// # Errors
    /// Missing, another type, an empty list, or a list that holds anything but strings.
    pub fn audiences(&self) -> Result<Vec<&str>, ClaimError> {
        match required("aud", self.find("aud"))? {
            Value::String(one) => Ok(vec![one]),
            Value::Array(list) if list.is_empty() => Err(not_allowed("aud")),
            Value::Array(list) => list
                .iter()
                .map(|value| match value {
                    Value::String(text) => Ok(text.as_str()),
                    _ => Err(ClaimError::new("aud", ClaimFault::WrongType)),
                })
                .collect(),
            _ => Err(ClaimError::new("aud", ClaimFault::WrongType)),
        }
    }

    /// `aud` as a string or a list of exactly one (decisions.md 14).
    ///
    /// # Errors
    /// As [`audiences`](Self::audiences), and when the list has several.
    pub fn one_audience(&self) -> Result<&str, ClaimError> {
        match self.audiences()?.as_slice() {
            [one] => Ok(one),
            _ => Err(not_allowed("aud")),
        }
    }

    /// `jti`, if there is one (RPL-03).
    ///
    /// # Errors
    /// Neither string nor integer; empty or longer than 256 bytes.
    pub fn token_id(&self) -> Result<Option<TokenId>, ClaimError> {
        self.find("jti")
            .map(|value| match value {
                Value::Integer(number) => Ok(TokenId::Integer(*number)),
                Value::String(text) if (1..=LONGEST_ID).contains(&text.len()) => {
                    Ok(TokenId::Text(text.clone()))
                }
                Value::String(_) => Err(not_allowed("jti")),
                _ => Err(ClaimError::new("jti", ClaimFault::WrongType)),
            })
            .transpose()
    }
}

fn required<T>(name: &str, value: Option<T>) -> Result<T, ClaimError> {
    value.ok_or_else(|| ClaimError::new(name, ClaimFault::Missing))
}

fn not_allowed(name: &str) -> ClaimError {
    ClaimError::new(name, ClaimFault::Value)
}

/// Reads one value with at most `levels` lists and objects inside each other.
struct Strict {
    levels: usize,
}

impl Strict {
    fn inner<E: serde::de::Error>(&self) -> Result<Self, E> {
        let levels = self
            .levels
            .checked_sub(1)
            .ok_or_else(|| E::custom("too deep"))?;
        Ok(Self { levels })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::NotAnInteger, Value::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::NotAnInteger)
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(self.inner()?)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Vec::new();
        let inner = self.inner()?;
        while let Some(name) = map.next_key::<String>()? {
            members.push((name, map.next_value_seed(Self { ..inner })?));
        }
        if has_double(&members) {
            return Err(A::Error::custom("member twice"));
        }
        Ok(Value::Object(Object(members)))
    }
}

/// Sorts instead of hashing: no allocation per name, and no bad case an attacker could pick.
fn has_double(members: &[(String, Value)]) -> bool {
    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

/// Lists and objects inside each other, the outermost object included (JOS-08).
const DEEPEST: usize = 16;

/// Bytes of a `jti`.
const LONGEST_ID: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Object, Malformed> {
        Object::parse(json.as_bytes())
    }

    #[test]
    fn keeps_the_order_of_members() {
        let object = parse(r#" {"b":1,"a":{"c":[]},"\u0064":"x"} "#).unwrap();

        let names: Vec<&str> = object.members().map(|(name, _)| name).collect();
        assert_eq!(names, ["b", "a", "d"]);
    }

    #[test]
    fn refuses_what_is_not_one_object() {
        for json in [
            "",
            "null",
            "[]",
            "\"x\"",
            "1",
            "{} {}",
            "{}x",
            "{}\0",
            "\u{feff}{}",
            "{/**/}",
            "{\"a\":1,}",
            "{'a':1}",
            "{a:1}",
            "{\"a\":NaN}",
            "{\"a\":Infinity}",
            "{\"a\":01}",
            "{\"a\":+1}",
            "{\"a\":.5}",
            "{\"a\":0x1}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\u{1}\"}",
        ] {
            assert_eq!(parse(json), Err(Malformed::Json), "{json}");
        }
        assert_eq!(Object::parse(b"{\"a\":\"\xff\"}"), Err(Malformed::Json));
        assert_eq!(Object::parse(b"{\"\xff\":1}"), Err(Malformed::Json));
    }

    #[test]
    fn refuses_a_member_twice_at_any_depth_and_in_any_spelling() {
        for json in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":{"a":1,"a":2}}"#,
            r#"{"x":[[{"a":1,"b":2,"a":3}]]}"#,
            r#"{"":1,"":2}"#,
        ] {
            assert_eq!(parse(json), Err(Malformed::Json), "{json}");
        }
        assert!(parse(r#"{"a":1,"A":2,"a ":3,"x":{"a":1}}"#).is_ok());
    }

    #[test]
    fn depth_ends_at_sixteen() {
        let nested = |levels: usize| {
            format!(
                "{{\"a\":{}{}}}",
                "[".repeat(levels - 1),
                "]".repeat(levels - 1)
            )
        };

        assert!(parse(&nested(16)).is_ok());
        assert_eq!(parse(&nested(17)), Err(Malformed::Json));
        assert_eq!(parse(&nested(10_000)), Err(Malformed::Json));
        assert_eq!(parse(&"[".repeat(1_000_000)), Err(Malformed::Json));
    }

    #[test]
    fn only_whole_numbers_of_64_bits_are_integers() {
        for json in [
            "1.0",
            "1e3",
            "-0",
            "9223372036854775808",
            "18446744073709551616",
            "1e30",
        ] {
            let object = parse(&format!("{{\"exp\":{json}}}")).unwrap();

            assert_eq!(object.find("exp"), Some(&Value::NotAnInteger), "{json}");
            assert_eq!(
                object.integer("exp").unwrap_err().fault,
                ClaimFault::WrongType
            );
        }
        let largest = parse("{\"exp\":9223372036854775807}").unwrap();
        assert_eq!(largest.integer("exp"), Ok(i64::MAX));
        // Beyond every float: refused as a whole, in no time.
        assert_eq!(parse("{\"exp\":1e1000000}"), Err(Malformed::Json));
    }

    #[test]
    fn null_is_not_absent() {
        let object = parse(r#"{"jti":null,"iss":null,"nbf":null}"#).unwrap();

        assert!(object.token_id().is_err());
        assert!(object.optional_string("iss").is_err());
        assert!(object.optional_integer("nbf").is_err());
    }

    #[test]
    fn token_ids_keep_their_type() {
        let id = |json: &str| parse(&format!("{{\"jti\":{json}}}")).unwrap().token_id();

        assert_ne!(id("1").unwrap(), id("\"1\"").unwrap());
        assert_eq!(id("1").unwrap().unwrap().to_string(), "1");
        assert_eq!(id("\"1\"").unwrap().unwrap().to_string(), "\"1\"");
        assert!(id(&format!("\"{}\"", "x".repeat(256))).is_ok());
        for bad in [
            &format!("\"{}\"", "x".repeat(257)),
            "\"\"",
            "1.5",
            "[]",
            "{}",
            "true",
        ] {
            assert!(id(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn audience_is_one_string_or_a_list() {
        let one = |json: &str| {
            parse(&format!("{{\"aud\":{json}}}"))
                .unwrap()
                .one_audience()
                .map(str::to_owned)
        };

        assert_eq!(one("\"a\"").unwrap(), "a");
        assert_eq!(one("[\"a\"]").unwrap(), "a");
        for bad in ["[]", "[\"a\",\"a\"]", "[1]", "[[\"a\"]]", "{}", "null", "1"] {
            assert!(one(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn digits_are_digits_only() {
        let digits = |json: &str| {
            parse(&format!("{{\"created_at\":{json}}}"))
                .unwrap()
                .digits("created_at")
        };

        assert_eq!(digits("\"1735689600123\""), Ok(1_735_689_600_123));
        for bad in [
            "\"\"",
            "\"-1\"",
            "\"+1\"",
            "\" 1\"",
            "\"1e3\"",
            "1",
            "\"1234567890123456\"",
            "\"١\"",
        ] {
            assert!(digits(bad).is_err(), "{bad}");
        }
    }
}
