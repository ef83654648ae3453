//! Messages that carry notices: an outbox that any node sends from, each message once.

use countersign_wire::{OrgId, Timestamp};
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::event_id;
use crate::row::{Row, storable};

const TABLE: &str = "messages";

/// A way out of the house.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Channel {
    /// To a mail address.
    Mail,
    /// To a configured webhook, which has a name.
    Webhook,
}

impl Channel {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Webhook => "webhook",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Mail, Self::Webhook]
            .into_iter()
            .find(|channel| channel.as_str() == word)
    }
}

/// Where a message goes: what it tells of stays within one organization.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Address {
    /// Whose things it tells of.
    pub org_id: OrgId,
    /// How.
    pub channel: Channel,
    /// Mail address, or name of the webhook.
    pub recipient: String,
}

/// A message that is not sent yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// The same for every try: by it a recipient knows what came twice.
    pub id: String,
    /// Where to.
    pub address: Address,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was made.
    pub created_at: Timestamp,
}

/// How far a message is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum State {
    /// To be sent, or to be tried again.
    Pending,
    /// The next one has it.
    Sent,
    /// Given up.
    Failed,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Sent, Self::Failed];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }

    /// The state of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// Makes a message that can be sent from `now` on; gives its id.
///
/// # Errors
/// [`Error`].
pub async fn insert(w: &mut Write, to: &Address, now: Timestamp) -> Result<String, Error> {
    const INSERT: &str = "
        INSERT INTO messages
            (id, org_id, channel, recipient, state, attempts, next_at, created_at)
        VALUES ($1, $2, $3, $4, 'pending', 0, $5, $5)";
    let id = event_id::next(w.session(), now);
    let insert = query(INSERT)
        .bind(id.clone())
        .bind(to.org_id.as_str())
        .bind(to.channel.as_str())
        .bind(storable(&to.recipient))
        .bind(now.as_millis());
    w.session().execute(insert).await?;
    Ok(id)
}

/// Messages that may be tried at `now`, those first that wait longest.
///
/// # Errors
/// [`Error`].
pub async fn due(r: &mut impl Reads, now: Timestamp, most: u32) -> Result<Vec<Message>, Error> {
    const DUE: &str = "
        SELECT id, org_id, channel, recipient, attempts, created_at
        FROM messages
        WHERE state = 'pending' AND next_at <= $1
        ORDER BY next_at, id
        LIMIT $2";
    let due = query(DUE).bind(now.as_millis()).bind(i64::from(most));
    r.session().list(TABLE, due, read).await
}

/// Takes a message to try it; nobody else tries it before `until`. `false` when somebody else was
/// faster. `message` is as [`due`] gave it.
///
/// # Errors
/// [`Error`].
pub async fn claim(w: &mut Write, message: &Message, until: Timestamp) -> Result<bool, Error> {
    const CLAIM: &str = "
        UPDATE messages
        SET attempts = attempts + 1, next_at = $3
        WHERE id = $1 AND attempts = $2 AND state = 'pending'";
    let claim = query(CLAIM)
        .bind(message.id.clone())
        .bind(i64::from(message.attempts))
        .bind(until.as_millis());
    Ok(w.session().execute(claim).await? == 1)
}

/// Notes that the claimed try, of `message` as it was before, succeeded.
///
/// # Errors
/// [`Error`].
pub async fn sent(w: &mut Write, message: &Message, at: Timestamp) -> Result<(), Error> {
    const SENT: &str = "
        UPDATE messages
        SET state = 'sent', sent_at = $2, trouble = NULL
        WHERE id = $1 AND state <> 'sent'";
    let sent = query(SENT).bind(message.id.clone()).bind(at.as_millis());
    w.session().execute(sent).await.map(|_| ())
}

/// Notes why the claimed try, of `message` as it was before, failed, and when to try again;
/// `None` is never.
///
/// # Errors
/// [`Error`].
pub async fn failed(
    w: &mut Write,
    message: &Message,
    trouble: &str,
    again_at: Option<Timestamp>,
) -> Result<(), Error> {
    // Whoever was too slow, and was overtaken by another try, has nothing to say.
    const FAILED: &str = "
        UPDATE messages
        SET state = $3, next_at = CASE WHEN $3 = 'pending' THEN $4 ELSE next_at END, trouble = $5
        WHERE id = $1 AND attempts = $2 AND state = 'pending'";
    let state = again_at.map_or(State::Failed, |_| State::Pending);
    let failed = query(FAILED)
        .bind(message.id.clone())
        .bind(i64::from(message.attempts) + 1)
        .bind(state.as_str())
        .bind(again_at.map_or(0, Timestamp::as_millis))
        .bind(storable(trouble));
    w.session().execute(failed).await.map(|_| ())
}

/// How many messages wait, and how many of those made from `since` on were given up.
///
/// # Errors
/// [`Error`].
pub async fn count_unsent(r: &mut impl Reads, since: Timestamp) -> Result<(u64, u64), Error> {
    const COUNT: &str = "
        SELECT 'all' AS id,
            (SELECT COUNT(*) FROM messages WHERE state = 'pending') AS pending,
            (SELECT COUNT(*) FROM messages WHERE state = 'failed' AND created_at >= $1)
                AS failed";
    let both = |row: &Row<'_>| Ok((row.count("pending")?, row.count("failed")?));
    let count = query(COUNT).bind(since.as_millis());
    let found = r.session().find(TABLE, count, both).await?;
    Ok(found.unwrap_or_default())
}

/// Removes up to `limit` messages from before `older_than` that carry nothing any more; gives how
/// many.
///
/// # Errors
/// [`Error`].
pub async fn trim(w: &mut Write, older_than: Timestamp, limit: u32) -> Result<u64, Error> {
    const TRIM: &str = "
        DELETE FROM messages
        WHERE id IN (
            SELECT m.id
            FROM messages m
            WHERE m.created_at < $1
                AND NOT EXISTS (SELECT n.id FROM notices n WHERE n.message_id = m.id)
            LIMIT $2)";
    let trim = query(TRIM)
        .bind(older_than.as_millis())
        .bind(i64::from(limit));
    w.session().execute(trim).await
}

fn read(row: &Row<'_>) -> Result<Message, Error> {
    let attempts = u32::try_from(row.number("attempts")?);
    Ok(Message {
        id: row.text("id")?,
        address: address(row)?,
        attempts: attempts.map_err(|_| row.corrupt("attempts"))?,
        created_at: row.at("created_at")?,
    })
}

pub(crate) fn address(row: &Row<'_>) -> Result<Address, Error> {
    Ok(Address {
        org_id: row.parsed("org_id")?,
        channel: row.word("channel", Channel::parse)?,
        recipient: row.text("recipient")?,
    })
}
