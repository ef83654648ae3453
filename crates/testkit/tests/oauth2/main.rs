//! The standard face, as any OAuth client and any resource server meets it.

#![expect(clippy::unwrap_used, reason = "tests")]

mod introspection;
mod keys;
mod kinds;
mod metadata;
mod private_key_jwt;
mod requests;
mod revocation;
mod support;
mod tokens;
