//! Who calls, as far as a request tells: the network it comes from, the program it names, the name
//! it gives itself. Kept as evidence; nothing is decided by it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

/// What tells callers of one credential apart.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Caller {
    /// Where it calls from.
    pub network: Network,
    /// The program it says it is.
    pub agent: Agent,
    /// The name it gives itself in the header `x-consumer`.
    pub consumer: Option<Consumer>,
}

impl Caller {
    /// What people call it: `nightly-sync at 203.0.113.0/24`.
    #[must_use]
    pub fn words(&self) -> String {
        let program = match &self.consumer {
            Some(consumer) => &*consumer.0,
            None => self.agent.as_str(),
        };
        match program {
            "" => format!("a program at {}", self.network),
            program => format!("{program} at {}", self.network),
        }
    }
}

/// The network of an address: `/24` of IPv4, `/48` of IPv6. Coarse on purpose: an address is
/// about a person, changes with every container, and would fill a bounded list with one caller.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Network(IpAddr);

impl Network {
    /// The network that `address` is in. An IPv4 address in IPv6's clothes is an IPv4 address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Ipv4Addr::new(a, b, c, 0).into()
            }
            IpAddr::V6(address) => {
                let [a, b, c, ..] = address.segments();
                Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into()
            }
        })
    }
}

impl Default for Network {
    fn default() -> Self {
        Self(Ipv4Addr::UNSPECIFIED.into())
    }
}

/// `203.0.113.0/24`, `2001:db8::/48`.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = if self.0.is_ipv4() { 24 } else { 48 };
        write!(f, "{}/{bits}", self.0)
    }
}

/// Text that is not what was asked for. The text itself is left out: it comes from outside.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a valid {0}")]
pub struct CallerError(&'static str);

impl FromStr for Network {
    type Err = CallerError;

    fn from_str(text: &str) -> Result<Self, CallerError> {
        let address = text.split_once('/').and_then(|(ip, _)| ip.parse().ok());
        let network = address.map(Self::of);
        network
            .filter(|network| network.to_string() == text)
            .ok_or(CallerError("network"))
    }
}

/// The products of a `User-Agent` (RFC 9110 section 10.1.5) without its comments, which name
/// machines and people: `aio-cli/10.1.0 node/20.11.1`. Empty where a request names none.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Agent(Arc<str>);

impl Agent {
    /// Longest text that is kept.
    pub const MOST: usize = 80;

    /// Takes the products out of a header. Whatever is no part of a product becomes a blank, so
    /// the text is safe to show.
    #[must_use]
    pub fn of(header: &[u8]) -> Self {
        match std::str::from_utf8(header) {
            Ok(text) if is_products_only(header) => Self(text.into()),
            _ => Self::without_comments(header),
        }
    }

    fn without_comments(header: &[u8]) -> Self {
        let mut text = String::with_capacity(header.len().min(Self::MOST));
        let mut comments = 0_u32;
        for byte in header {
            match byte {
                b'(' => comments += 1,
                b')' => comments = comments.saturating_sub(1),
                _ if comments > 0 => {}
                byte if is_of_product(*byte) => text.push(char::from(*byte)),
                _ if !text.is_empty() && !text.ends_with(' ') => text.push(' '),
                _ => {}
            }
            if text.len() == Self::MOST {
                break;
            }
        }
        Self(text.trim_end().into())
    }

    /// The products.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a caller calls itself, so that callers behind one address can be told apart: 1 to 64
/// letters, digits, `.`, `_`, `:`, `/` or `-`. Our own choice; the original knows no such header.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Consumer(Arc<str>);

impl Consumer {
    /// The header it travels in.
    pub const HEADER: &str = "x-consumer";

    /// The name in `header`, or nothing where it has another form: a request is not refused for
    /// what is only evidence.
    #[must_use]
    pub fn of(header: &[u8]) -> Option<Self> {
        std::str::from_utf8(header).ok()?.parse().ok()
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Consumer {
    type Err = CallerError;

    fn from_str(text: &str) -> Result<Self, CallerError> {
        let is_name = |b: u8| b.is_ascii_alphanumeric() || b"._:/-".contains(&b);
        if (1..=64).contains(&text.len()) && text.bytes().all(is_name) {
            Ok(Self(text.into()))
        } else {
            Err(CallerError("consumer"))
        }
    }
}

impl fmt::Display for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a header is its own answer: nothing but products with one blank between them.
fn is_products_only(header: &[u8]) -> bool {
    let mut after_product = false;
    let fits = |byte: &u8| {
        let is_blank = *byte == b' ';
        let fits = is_of_product(*byte) || (is_blank && after_product);
        after_product = !is_blank;
        fits
    };
    header.len() <= Agent::MOST && header.iter().all(fits) && after_product
}

/// `product = token ["/" product-version]` (RFC 9110 section 10.1.5).
fn is_of_product(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-'..=b'/' | b'^'..=b'`' | b'|' | b'~'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn network(address: &str) -> String {
        Network::of(address.parse().expect("an address")).to_string()
    }

    #[test]
    fn an_address_becomes_its_network() {
        assert_eq!(network("203.0.113.77"), "203.0.113.0/24");
        assert_eq!(network("::ffff:203.0.113.77"), "203.0.113.0/24");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1::/48");
        assert!("203.0.113.7/24".parse::<Network>().is_err());
    }

    #[test]
    fn an_agent_keeps_its_products_only() {
        let agent = |text: &str| Agent::of(text.as_bytes()).as_str().to_owned();
        assert_eq!(agent("python-requests/2.31.0"), "python-requests/2.31.0");
        assert_eq!(
            agent("aio-cli/10.1 (jane's laptop; (nested) x64)  node/20"),
            "aio-cli/10.1 node/20"
        );
        assert_eq!(agent("a\u{1b}[31m\r\nb<script>"), "a 31m b script");
        assert_eq!(agent("(everything is a comment"), "");
        assert_eq!(agent(&"x".repeat(200)).len(), Agent::MOST);
    }

    #[test]
    fn a_consumer_has_a_form_or_is_not_there() {
        let consumer = |text: &str| Consumer::of(text.as_bytes()).is_some();
        assert!(consumer("team-a/nightly:export_1.2"));
        assert!(!consumer(""));
        assert!(!consumer("two words"));
        assert!(!consumer("<b>"));
        assert!(!consumer(&"x".repeat(65)));
    }

    proptest! {
        #[test]
        fn print_and_parse_agree(bytes in any::<[u8; 16]>(), four in any::<[u8; 4]>()) {
            for address in [IpAddr::from(bytes), IpAddr::from(four)] {
                let network = Network::of(address);
                prop_assert_eq!(network.to_string().parse::<Network>(), Ok(network));
            }
        }

        #[test]
        fn the_short_way_to_an_agent_gives_what_the_long_one_does(header in "[a-c/ (\t]{0,90}") {
            let header = header.as_bytes();
            prop_assert_eq!(Agent::of(header), Agent::without_comments(header));
        }

        #[test]
        fn an_agent_is_short_and_read_again_the_same(header in any::<Vec<u8>>()) {
            let agent = Agent::of(&header);
            prop_assert!(agent.as_str().len() <= Agent::MOST);
            prop_assert!(agent.as_str().bytes().all(|b| b == b' ' || b.is_ascii_graphic()));
            prop_assert_eq!(Agent::of(agent.as_str().as_bytes()), agent);
        }
    }
}
