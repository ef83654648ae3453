//! The second factor: a program that shows codes of six digits.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::NewDevice;
use qrcodegen::{QrCode, QrCodeEcc};

use crate::Console;
use crate::error::PageError;
use crate::form::{Filled, Form};
use crate::page::{self, Page};
use crate::session::Visitor;

#[derive(Template)]
#[template(path = "people/device.html")]
struct DevicePage {
    page: Page,
    form: Filled,
    /// The key in groups of four, as people type it.
    key: String,
    address: String,
    square: Option<Square>,
}

#[derive(Template)]
#[template(path = "people/device_remove.html")]
struct RemovePage {
    page: Page,
    form: Filled,
}

/// A square code, as a path of unit squares.
struct Square {
    side: i32,
    path: String,
}

impl Square {
    /// Border that readers need (ISO 18004 9.1).
    const QUIET: i32 = 4;

    fn of(text: &str) -> Option<Self> {
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
        let all = 0..code.size();
        let dark = all
            .clone()
            .flat_map(|y| all.clone().map(move |x| (x, y)))
            .filter(|(x, y)| code.get_module(*x, *y));
        let square = |(x, y)| format!("M{} {}h1v1h-1z", x + Self::QUIET, y + Self::QUIET);
        Some(Self {
            side: code.size() + 2 * Self::QUIET,
            path: dark.map(square).collect(),
        })
    }
}

/// `GET /console/account/device`.
pub(crate) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let device = console.authority.new_device(&visitor.session)?;
    page::render(&template(&visitor, &device, Filled::confirmed(&visitor)))
}

/// `POST /console/account/device`: with the first code that the device shows.
pub(crate) async fn add(
    State(console): State<Console>,
    visitor: Visitor,
    form: Form,
) -> Result<Response, PageError> {
    let mut filled = Filled::confirmed(&visitor);
    visitor
        .confirm(&console, &mut filled, form.secret("password"))
        .await?;
    if filled.is_fine() {
        let (session, sealed) = (&visitor.session, form.text("sealed"));
        let code = form.text("code").replace([' ', '-'], "");
        match console.authority.add_device(session, sealed, &code).await {
            Ok(()) => {
                let notice = "From now on you are asked for a code of your device, too.";
                return page::done(&console, "/console/account", notice);
            }
            Err(error) => filled.refused(error, "code")?,
        }
    }
    let offered = console
        .authority
        .offered_device(&visitor.session, form.text("sealed"));
    let device = match offered {
        Ok(device) => device,
        Err(_) => console.authority.new_device(&visitor.session)?,
    };
    page::refused(&template(&visitor, &device, filled))
}

/// `GET /console/account/device/remove`.
pub(crate) async fn ask_removal(visitor: Visitor) -> Result<Response, PageError> {
    page::render(&removal(&visitor, Filled::new(&visitor)))
}

/// `POST /console/account/device/remove`.
pub(crate) async fn remove(
    State(console): State<Console>,
    visitor: Visitor,
    form: Form,
) -> Result<Response, PageError> {
    let mut filled = Filled::new(&visitor);
    match form.secret("password") {
        None => filled.fault("password", "Type your password."),
        Some(password) => {
            let session = &visitor.session;
            match console.authority.remove_device(session, password).await {
                Ok(()) => {
                    let notice = "Your password alone lets you in again.";
                    return page::done(&console, "/console/account", notice);
                }
                Err(error) => filled.refused(error, "password")?,
            }
        }
    }
    page::refused(&removal(&visitor, filled))
}

fn template(visitor: &Visitor, device: &NewDevice, form: Filled) -> DevicePage {
    let key = device.key.expose().as_bytes();
    let groups: Vec<_> = key.chunks(4).map(String::from_utf8_lossy).collect();
    let address = device.address.expose();
    DevicePage {
        page: Page::of_visitor(visitor, "Add a second factor")
            .crumb("Your account", "/console/account"),
        form: form.with("sealed", &device.sealed),
        key: groups.join(" "),
        address: address.to_owned(),
        square: Square::of(address),
    }
}

fn removal(visitor: &Visitor, form: Filled) -> RemovePage {
    RemovePage {
        page: Page::of_visitor(visitor, "Remove the second factor")
            .crumb("Your account", "/console/account"),
        form,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_has_the_three_marks_of_its_corners_and_a_border() {
        let square = Square::of("otpauth://totp/x?secret=ABC").expect("short enough");
        let last = square.side - Square::QUIET - 1;
        for (x, y) in [(4, 4), (last, 4), (4, last)] {
            assert!(square.path.contains(&format!("M{x} {y}h1v1h-1z")));
        }
        assert!(!square.path.contains("M3 "));
    }
}
