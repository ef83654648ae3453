//! Messages by mail (RFC 5321), in plain text.

use std::path::PathBuf;
use std::time::Duration;

use countersign_authority::{LONGEST_SENDING, Outgoing, Undelivered};
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{AsyncSmtpTransport, AsyncSmtpTransportBuilder, Error as SmtpError};
use lettre::{Address, AsyncTransport as _, Tokio1Executor};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::settings::read_secret;
use super::words;

/// The mail server that takes our messages.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpSettings {
    /// Its name or address.
    pub host: String,
    /// Its port; the usual one of `security`, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How the way to it is protected.
    #[serde(default)]
    pub security: Security,
    /// Who we are to it, if it asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// File with the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// PEM file of one authority to trust besides those of the operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// How the way to a mail server is protected.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// TLS is begun on the connection, and nothing is sent without it (RFC 3207).
    #[default]
    Starttls,
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// None, to this machine only.
    Loopback,
    /// None, to another machine: whoever is on the way reads addresses and password.
    DangerNone,
}

/// Sends mail.
pub(super) struct Mailer {
    /// Makes a transport for each message: its pool starts and ends tasks, for which a runtime must
    /// be there, and there is none where a configuration is checked.
    transport: AsyncSmtpTransportBuilder,
    from: Mailbox,
}

impl Mailer {
    /// Connects to nobody yet.
    ///
    /// # Errors
    /// A sentence that names the key to mend.
    pub(super) fn new(
        settings: &SmtpSettings,
        from: Option<&str>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let from = from.ok_or("`from`: write the sender, as in `Countersign <ims@example.com>`")?;
        let from: Mailbox = from
            .parse()
            .map_err(|_| format!("`from`: `{from}` is no mail address"))?;
        let transport = settings.transport(&from, variable)?;
        Ok(Self { transport, from })
    }

    /// Sends a message; the server's words are kept for administrators.
    pub(super) async fn send(&self, outgoing: &Outgoing, issuer: &str) -> Result<(), Undelivered> {
        let message = self.write(outgoing, issuer)?;
        let transport: AsyncSmtpTransport<Tokio1Executor> = self.transport.clone().build();
        match transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(Undelivered::Never(reason(&error))),
            Err(error) => Err(Undelivered::Later(reason(&error))),
        }
    }

    fn write(&self, outgoing: &Outgoing, issuer: &str) -> Result<Message, Undelivered> {
        let to: Address = outgoing.recipient.parse().map_err(|_| {
            Undelivered::Never("mail cannot be sent to an address of this form".to_owned())
        })?;
        // The same for every try: a mail program shows what came twice once.
        let id = format!("<{}@{}>", outgoing.id, self.from.email.domain());
        let sent_at = Duration::from_millis(u64::try_from(outgoing.now.as_millis()).unwrap_or(0));
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .message_id(Some(id))
            .date(std::time::UNIX_EPOCH + sent_at)
            .subject(words::subject(outgoing))
            .header(ContentType::TEXT_PLAIN)
            .body(words::body(outgoing, issuer))
            .map_err(|error| Undelivered::Never(format!("the mail cannot be written: {error}")))
    }
}

impl SmtpSettings {
    fn transport(
        &self,
        from: &Mailbox,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<AsyncSmtpTransportBuilder, String> {
        let tls = match self.security {
            Security::Starttls => Tls::Required(self.tls()?),
            Security::Tls => Tls::Wrapper(self.tls()?),
            Security::Loopback if !is_loopback(&self.host) => {
                return Err(format!(
                    "`smtp.security`: `{}` is another machine; use `starttls` or `tls`",
                    self.host
                ));
            }
            Security::Loopback | Security::DangerNone => Tls::None,
        };
        let usual = match self.security {
            Security::Starttls => 587,
            Security::Tls => 465,
            Security::Loopback | Security::DangerNone => 25,
        };
        let name = ClientId::Domain(from.email.domain().to_owned());
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&*self.host)
            .port(self.port.unwrap_or(usual))
            .tls(tls)
            .hello_name(name)
            .timeout(Some(LONGEST_SENDING / 2));
        if let Some(user) = &self.user {
            let password = self.password(variable)?.to_string();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        Ok(builder)
    }

    fn tls(&self) -> Result<TlsParameters, String> {
        // Fails only when another provider is installed already, which is the program's choice.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut builder = TlsParameters::builder(self.host.clone());
        if let Some(file) = &self.ca_file {
            let pem = std::fs::read(file).map_err(|error| {
                format!(
                    "`smtp.ca_file`: cannot read `{}`: {}",
                    file.display(),
                    error.kind()
                )
            })?;
            let certificate = Certificate::from_pem(&pem)
                .map_err(|_| "`smtp.ca_file`: holds no certificate in PEM form".to_owned())?;
            builder = builder.add_root_certificate(certificate);
        }
        builder
            .build_rustls()
            .map_err(|error| format!("`smtp.security`: {error}"))
    }

    fn password(
        &self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Zeroizing<String>, String> {
        match (&self.password_file, variable(PASSWORD)) {
            (Some(file), _) => read_secret("smtp.password_file", file),
            (None, Some(text)) => Ok(Zeroizing::new(text)),
            (None, None) => Err(format!(
                "`smtp.user` has no password: name a file as `smtp.password_file`, or set `{PASSWORD}`"
            )),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

/// What went wrong, with what the server said of it.
fn reason(error: &SmtpError) -> String {
    let text = error.to_string();
    let text: String = text.chars().filter(|c| !c.is_control()).take(300).collect();
    format!("the mail server: {text}")
}

const PASSWORD: &str = "COUNTERSIGN_SMTP_PASSWORD";
