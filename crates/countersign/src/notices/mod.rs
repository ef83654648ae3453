//! How notices leave the house: by mail and by webhooks. Composition: what is told is decided in `authority`.

use std::collections::HashMap;
use std::sync::Arc;

use countersign_authority::{Carried, Carrier, Channel, Channels, Outgoing, Undelivered};

use mail::Mailer;
pub use mail::{Security, SmtpSettings};
pub use settings::{Settings, WebhookSettings, WebhookUrl};
use webhook::Hook;

mod mail;
mod settings;
mod webhook;
mod words;

/// Sends messages with notices to whom the configuration names.
pub struct Messenger {
    /// Origin of our pages.
    issuer: String,
    mailer: Option<Mailer>,
    webhooks: HashMap<String, Hook>,
}

/// Who is told by which way, and what carries it there.
pub type Ways = (Channels, Arc<dyn Carrier>);

impl Messenger {
    /// Prepares what is configured; connects to nobody yet. Nothing, if nobody is to be told.
    /// `secret` finds a secret in the environment by its variable's name.
    ///
    /// # Errors
    /// A sentence that names the key to mend.
    pub fn prepare(
        settings: &Settings,
        issuer: &str,
        secret: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Ways>, String> {
        let from = settings.from.as_deref();
        let mailer = settings
            .smtp
            .as_ref()
            .map(|smtp| Mailer::new(smtp, from, &secret));
        let mailer = mailer.transpose()?;
        let mut webhooks = HashMap::new();
        for webhook in &settings.webhooks {
            let hook = Hook::new(webhook, &secret)?;
            if webhooks.insert(webhook.name.clone(), hook).is_some() {
                let name = &webhook.name;
                return Err(format!("`webhooks`: two of them are called `{name}`"));
            }
        }
        let channels = Channels {
            mail: mailer.is_some(),
            webhooks: settings
                .webhooks
                .iter()
                .map(WebhookSettings::channel)
                .collect(),
        };
        if !channels.mail && channels.webhooks.is_empty() {
            return Ok(None);
        }
        let messenger = Self {
            issuer: issuer.to_owned(),
            mailer,
            webhooks,
        };
        Ok(Some((channels, Arc::new(messenger))))
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<(), Undelivered> {
        match outgoing.channel {
            Channel::Webhook => match self.webhooks.get(&outgoing.recipient) {
                Some(hook) => hook.send(outgoing, &self.issuer).await,
                None => Err(unconfigured()),
            },
            Channel::Mail => match &self.mailer {
                Some(mailer) => mailer.send(outgoing, &self.issuer).await,
                None => Err(unconfigured()),
            },
        }
    }
}

impl Carrier for Messenger {
    fn carry<'a>(&'a self, outgoing: &'a Outgoing) -> Carried<'a> {
        Box::pin(self.send(outgoing))
    }
}

/// Nodes may be configured differently for a while, as when one after the other is restarted.
fn unconfigured() -> Undelivered {
    Undelivered::Later(
        "this recipient is not in the configuration of the node that tried".to_owned(),
    )
}

/// The page of the credential that a notice is about.
fn page(issuer: &str, outgoing: &Outgoing, about: &countersign_authority::About) -> String {
    let (number, project) = (&outgoing.org_number, &about.project_id);
    format!(
        "{issuer}/console/projects/{number}/{project}/credentials/{}",
        about.id
    )
}
