//! The four cookies of the console. Source: `spec/security.md` CON-01.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use url::Url;

/// Which of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cookie {
    /// The session.
    Session,
    /// A sign-in that waits for the code of a device.
    Code,
    /// What the next page says once.
    Notice,
    /// Which browser left for a provider to sign in there.
    Provider,
}

/// What they are called and how they are set here.
pub(crate) struct Cookies {
    prefix: String,
    is_secure: bool,
}

impl Cookies {
    /// Cookies of a console at this origin. Without TLS, on the own machine, they have other names:
    /// browsers refuse the prefix there. The port is in them because cookies do not know ports, and
    /// two installations on one machine would sign each other out.
    pub(crate) fn for_origin(origin: &str) -> Self {
        let url = Url::parse(origin).ok();
        let is_secure = url.as_ref().is_some_and(|url| url.scheme() == "https");
        let port = url.and_then(|url| url.port_or_known_default());
        Self {
            prefix: match is_secure {
                true => "__Host-countersign".to_owned(),
                false => format!("countersign-{}", port.unwrap_or_default()),
            },
            is_secure,
        }
    }

    /// Whether people reach the console by TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// The value of a cookie, if the browser shows exactly one.
    pub(crate) fn find(&self, cookie: Cookie, headers: &HeaderMap) -> Option<String> {
        let name = self.name(cookie);
        let lines = headers.get_all(COOKIE).iter();
        let lines = lines.filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';'));
        let mut values = pairs
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(found, _)| *found == name)
            .map(|(_, value)| value.to_owned());
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// Has the browser keep a value until it is closed, or for so many seconds.
    pub(crate) fn set(&self, cookie: Cookie, value: &str, seconds: Option<u32>) -> HeaderValue {
        let life = seconds
            .map(|s| format!("; Max-Age={s}"))
            .unwrap_or_default();
        let secure = if self.is_secure { "; Secure" } else { "" };
        let name = self.name(cookie);
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{life}");
        let mut value = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("none="));
        value.set_sensitive(true);
        value
    }

    /// Has the browser forget it.
    pub(crate) fn clear(&self, cookie: Cookie) -> HeaderValue {
        self.set(cookie, "", Some(0))
    }

    fn name(&self, cookie: Cookie) -> String {
        let suffix = match cookie {
            Cookie::Session => "",
            Cookie::Code => "-code",
            Cookie::Notice => "-notice",
            Cookie::Provider => "-provider",
        };
        format!("{}{suffix}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, line.parse().expect("a header"))])
    }

    #[test]
    fn by_tls_the_cookie_is_bound_to_the_host() {
        let cookies = Cookies::for_origin("https://ims.example.com");
        let set = cookies.set(Cookie::Session, "abc", None);
        assert_eq!(
            set,
            "__Host-countersign=abc; Path=/; HttpOnly; SameSite=Lax; Secure"
        );
        assert!(set.is_sensitive());
    }

    #[test]
    fn without_tls_it_has_another_name_for_each_port() {
        let cookies = Cookies::for_origin("http://127.0.0.1:8080");
        let set = cookies.set(Cookie::Code, "abc", Some(300));
        assert_eq!(
            set,
            "countersign-8080-code=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=300"
        );
    }

    #[test]
    fn a_cookie_that_is_there_twice_is_none() {
        let cookies = Cookies::for_origin("https://ims.example.com");
        let find = |line| cookies.find(Cookie::Session, &shown(line));
        let one = "a=1; __Host-countersign=x=y; __Host-countersign-code=2";
        assert_eq!(find(one).as_deref(), Some("x=y"));
        assert_eq!(find("__Host-countersign=1; __Host-countersign=2"), None);
        assert_eq!(find("countersign=1"), None);
    }
}
