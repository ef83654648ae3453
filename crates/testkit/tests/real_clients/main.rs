//! Unmodified client libraries, as their users install them, against the product on loopback.
//!
//! So do the libraries and proxies that protect APIs.
//!
//! `../../clients/README.md` says how each of them is run; `clients.json` there is the table that
//! these tests walk, so that a client which is added to it is tested at once.

#![expect(clippy::unwrap_used, reason = "tests: what fails here fails the test")]

mod product;

/// `./test clients` runs the tests with this name in their path.
#[path = "."]
mod real_clients {
    mod aio_lib_ims;
    mod console;
    mod console_user;
    mod console_workspaces;
    mod gateway;
    mod refusals;
    mod standard_tokens;
    mod tokens;
}
