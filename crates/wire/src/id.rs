//! Identifiers. Parsed once at the edge, then trusted.
//!
//! Source of the forms: `spec/ims-protocol.md` section 0, "Identifiers".

use crate::text::text_types;
use crate::time::Timestamp;

/// Text that is not an identifier of the kind that was asked for.
///
/// The text itself is left out on purpose: it comes from outside and may be a pasted secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a valid {kind}: expected {form}")]
pub struct IdError {
    kind: &'static str,
    form: &'static str,
}

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident: $kind:literal, $form:literal, $check:expr;)+) => {
        text_types! {$(
            $(#[$doc])*
            $name: IdError,
                $check,
                IdError { kind: $kind, form: $form };
        )+}
    };
}

identifiers! {
    /// Identifies a personal access token; not the token itself.
    AccessTokenId: "access token id", "32 lower-case hexadecimal digits", is_hex32;
    /// Identifies a brown-out: a planned short refusal of JWT halves.
    BrownoutId: "brown-out id", "32 lower-case hexadecimal digits", is_hex32;
    /// Identifies one certificate of a credential (`bindingId` in the Transporter API).
    CertificateId: "certificate id", "32 lower-case hexadecimal digits", is_hex32;
    /// Identifies a credential towards token endpoints and gateway; the same value is the API key.
    ///
    /// Console credentials have 32 lower-case hexadecimal digits, AEM ones
    /// `cm-p<program>-e<env>-integration`; imported ones may look otherwise, so the only rule is
    /// that of RFC 6749 appendix A.1 and a length of 128 (`spec/security.md` REQ-06, REQ-07).
    ClientId: "client id", "1 to 128 printable ASCII characters without spaces",
        |text| (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    /// Identifies a credential in Console paths; the same before, during and after migration.
    CredentialId: "credential id", "up to 19 decimal digits", is_decimal;
    /// Names an identity at an OpenID provider among those of its person.
    IdentityId: "identity id", "32 lower-case hexadecimal digits", is_hex32;
    /// Identifies an invitation; not the code of its link.
    InvitationId: "invitation id", "32 lower-case hexadecimal digits", is_hex32;
    /// Names a signing key (`kid`); with `.cer` behind it, the file name of its certificate (`x5u`).
    KeyId: "key id", "1 to 64 letters, digits, `_`, `-` or `.`",
        |text| (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
            && !text.starts_with('.');
    /// Names a client's public key by its thumbprint (RFC 7638, SHA-256).
    KeyThumbprint: "key thumbprint", "43 characters of base64url",
        |text| text.len() == 43
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    /// The organization's numeric id, used in Console paths only.
    NumericOrgId: "numeric organization id", "up to 19 decimal digits", is_decimal;
    /// Identifies an organization everywhere except in Console paths.
    OrgId: "organization id", "24 upper-case hexadecimal digits and `@AdobeOrg`",
        |text| text.strip_suffix("@AdobeOrg").is_some_and(is_upper_hex24);
    /// Identifies a person, whatever organizations it is a member of.
    PersonId: "person id", "24 upper-case hexadecimal digits and `@AdobeID`",
        |text| text.strip_suffix("@AdobeID").is_some_and(is_upper_hex24);
    /// Identifies a product profile (`licenseConfigs[].id`).
    ProfileId: "product profile id", "up to 19 decimal digits", is_decimal;
    /// Identifies a project.
    ProjectId: "project id", "up to 19 decimal digits", is_decimal;
    /// Names a service that the gateway publishes: in its configuration, in logs and metrics.
    PublishedName: "name of a published service", "1 to 40 lower-case letters, digits and `-`",
        |text| (1..=40).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-');
    /// Identifies one client secret of a credential (`uuid` in the secrets API).
    SecretId: "secret id", "32 lower-case hexadecimal digits", is_hex32;
    /// Names a service of the catalogue (`sdkCode`). Codes of the original may hold blanks and brackets.
    ServiceCode: "service code", "1 to 64 printable ASCII characters",
        |text| (1..=64).contains(&text.len())
            && text.trim() == text
            && text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    /// Names a session among those of its person; not what the browser shows.
    SessionId: "session id", "32 lower-case hexadecimal digits", is_hex32;
    /// The technical account's mail address; another value than its id, of the same domain.
    TechnicalAccountEmail: "technical account e-mail", "a lower-case UUID and `@techacct.adobe.com`",
        |text| text.strip_suffix("@techacct.adobe.com").is_some_and(is_lower_uuid);
    /// Identifies a technical account: `sub` of an assertion, `user_id` of an access token.
    TechnicalAccountId: "technical account id",
        "24 upper-case hexadecimal digits and `@techacct.adobe.com`",
        |text| text.strip_suffix("@techacct.adobe.com").is_some_and(is_upper_hex24);
    /// Identifies one access token: claim `id` of an IMS token, `jti` of a standard one.
    TokenId: "token id", "1 to 96 letters, digits, `_` or `-`",
        |text| (1..=96).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    /// Names a wave of a migration in its organization.
    WaveName: "name of a wave", "1 to 40 letters, digits, `-`, `_` or `.`, a letter or digit first",
        |text| (1..=40).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            && text.starts_with(|c: char| c.is_ascii_alphanumeric());
    /// Identifies a workspace of a project.
    WorkspaceId: "workspace id", "up to 19 decimal digits", is_decimal;
}

impl OrgId {
    /// Makes the id of a new organization from 12 random bytes.
    #[must_use]
    pub fn from_random(random: [u8; 12]) -> Self {
        Self(format!("{}@AdobeOrg", upper_hex(&random)).into())
    }

    /// The 24 digits without `@AdobeOrg` (`orgRef.ident` in `/ims/organizations`).
    #[must_use]
    pub fn ident(&self) -> &str {
        self.0.split('@').next().unwrap_or_default()
    }
}

impl PersonId {
    /// Makes the id of a new person from 12 random bytes.
    #[must_use]
    pub fn from_random(random: [u8; 12]) -> Self {
        Self(format!("{}@AdobeID", upper_hex(&random)).into())
    }
}

impl TechnicalAccountId {
    /// Makes the id of a new technical account from 12 random bytes.
    #[must_use]
    pub fn from_random(random: [u8; 12]) -> Self {
        Self(format!("{}@techacct.adobe.com", upper_hex(&random)).into())
    }
}

impl BrownoutId {
    /// Makes the id of a new one. Those that are made later have greater ids.
    #[must_use]
    pub fn new(at: Timestamp, random: [u8; 10]) -> Self {
        let millis = at.as_millis().to_be_bytes();
        let bytes: Vec<u8> = millis[2..].iter().chain(&random).copied().collect();
        Self(lower_hex(&bytes).into())
    }
}

impl TechnicalAccountEmail {
    /// Makes the mail address of a new technical account from a UUID's 16 bytes.
    #[must_use]
    pub fn from_uuid(uuid: [u8; 16]) -> Self {
        Self(format!("{}@techacct.adobe.com", dashed(&lower_hex(&uuid))).into())
    }
}

macro_rules! from_random_hex {
    ($($name:ident),+) => {$(
        impl $name {
            /// Makes a new one from 16 random bytes.
            #[must_use]
            pub fn from_random(random: [u8; 16]) -> Self {
                Self(lower_hex(&random).into())
            }
        }
    )+};
}

from_random_hex!(
    AccessTokenId,
    CertificateId,
    ClientId,
    IdentityId,
    InvitationId,
    SecretId,
    SessionId
);

macro_rules! from_number {
    ($($name:ident),+) => {$(
        impl $name {
            /// Makes one from a number, written in decimal.
            #[must_use]
            pub fn from_number(number: u64) -> Self {
                Self((number % MAX_NUMBER).to_string().into())
            }
        }
    )+};
}

from_number!(
    CredentialId,
    NumericOrgId,
    ProfileId,
    ProjectId,
    WorkspaceId
);

/// One more than the largest number of 18 digits: every id fits a signed 64-bit column.
const MAX_NUMBER: u64 = 1_000_000_000_000_000_000;

fn is_hex32(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_upper_hex24(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F'))
}

fn is_decimal(text: &str) -> bool {
    (1..=19).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_lower_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
        })
}

fn lower_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn upper_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

fn dashed(hex: &str) -> String {
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms_of_the_reference_are_accepted() {
        assert!(OrgId::parse("0A1B2C3D4E5F60718293A4B5@AdobeOrg").is_ok());
        assert!(TechnicalAccountId::parse("1122334455667788990A0B0C@techacct.adobe.com").is_ok());
        assert!(ClientId::parse("cm-p12345-e67890-integration").is_ok());
        assert!(ServiceCode::parse("Sensei Enterprise Beta (MAX 2018)").is_ok());
    }

    #[test]
    fn near_misses_are_refused() {
        for text in [
            "",
            "0a1b2c3d4e5f60718293a4b5@AdobeOrg",
            "0A1B2C3D4E5F60718293A4B5@adobeorg",
            "0A1B2C3D4E5F60718293A4B5@AdobeOrg ",
            "0A1B2C3D4E5F60718293A4B5",
            "0A1B2C3D4E5F60718293A4B5@AdobeOrg\0",
        ] {
            assert!(OrgId::parse(text).is_err(), "{text:?}");
        }
        assert!(ClientId::parse("with space").is_err());
        assert!(ClientId::parse("\u{ff10}").is_err(), "full-width digit");
        assert!(ClientId::parse(&"x".repeat(129)).is_err());
    }

    #[test]
    fn an_error_never_repeats_the_text() {
        let error = OrgId::parse("p8e-a-pasted-secret").expect_err("not an organization id");
        assert!(!error.to_string().contains("p8e-"));
    }

    proptest! {
        #[test]
        fn made_ids_parse(random in any::<[u8; 12]>(), uuid in any::<[u8; 16]>(), n in any::<u64>()) {
            prop_assert!(OrgId::parse(OrgId::from_random(random).as_str()).is_ok());
            prop_assert!(TechnicalAccountId::parse(TechnicalAccountId::from_random(random).as_str()).is_ok());
            prop_assert!(TechnicalAccountEmail::parse(TechnicalAccountEmail::from_uuid(uuid).as_str()).is_ok());
            prop_assert!(SecretId::parse(SecretId::from_random(uuid).as_str()).is_ok());
            prop_assert!(ProjectId::parse(ProjectId::from_number(n).as_str()).is_ok());
        }
    }
}
