//! Commands that change users and groups, and what came of them.
//!
//! Knows what umapi-client sends: create, update, add to and remove from groups, remove from the
//! organization, and the same for user groups.

use serde_json::{Value, json};

use super::directory::{Directory, Group, User};

/// Whether commands change anything.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// They do.
    Real,
    /// Query `testOnly=true`: they are tried on a copy.
    Test,
}

/// A body that holds no commands at all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Malformed;

/// Runs every entry of `commands`; an entry stops at its first step that fails.
///
/// # Errors
/// [`Malformed`]: nothing was run.
pub fn run(directory: &mut Directory, commands: &Value, mode: Mode) -> Result<Value, Malformed> {
    let entries = commands.as_array().ok_or(Malformed)?;
    if entries.is_empty() || entries.len() > MOST_ENTRIES || !entries.iter().all(is_entry) {
        return Err(Malformed);
    }
    let mut copy = directory.clone();
    let run = entries
        .iter()
        .enumerate()
        .filter_map(|(index, entry)| run_entry(&mut copy, index, entry));
    let errors: Vec<Value> = run.collect();
    let good = entries.len() - errors.len();
    if mode == Mode::Real {
        *directory = copy;
    }
    let mut answer = json!({
        "completed": if mode == Mode::Real { good } else { 0 },
        "completedInTestMode": if mode == Mode::Test { good } else { 0 },
        "notCompleted": errors.len(),
        "result": match (good, errors.len()) {
            (_, 0) => "success",
            (0, _) => "error",
            _ => "partial",
        },
    });
    if !errors.is_empty() {
        answer["errors"] = errors.into();
    }
    Ok(answer)
}

fn is_entry(entry: &Value) -> bool {
    (entry["user"].is_string() || entry["usergroup"].is_string()) && entry["do"].is_array()
}

/// The error of an entry, if it has one.
fn run_entry(directory: &mut Directory, index: usize, entry: &Value) -> Option<Value> {
    let steps = entry["do"].as_array()?;
    let failed = steps.iter().enumerate().find_map(|(step, command)| {
        let (verb, arguments) = command
            .as_object()
            .and_then(|command| command.iter().next())?;
        let done = match entry["user"].as_str() {
            Some(user) => on_user(directory, user, verb, arguments),
            None => on_group(directory, entry["usergroup"].as_str()?, verb, arguments),
        };
        done.err().map(|refused| (step, refused))
    });
    let (step, Refused { code, message }) = failed?;
    let mut error = json!({ "index": index, "step": step, "errorCode": code, "message": message });
    for name in ["user", "usergroup", "requestID"] {
        if let Some(text) = entry[name].as_str() {
            error[name] = text.into();
        }
    }
    Some(error)
}

/// Why a step was refused. Source of the codes: spec/ims-protocol.md 8.6.
struct Refused {
    code: &'static str,
    message: String,
}

type Done = Result<(), Refused>;

fn refused<T>(code: &'static str, message: impl Into<String>) -> Result<T, Refused> {
    Err(Refused {
        code,
        message: message.into(),
    })
}

fn on_user(directory: &mut Directory, email: &str, verb: &str, arguments: &Value) -> Done {
    match verb {
        "createFederatedID" => create(directory, email, "federatedID", arguments),
        "createEnterpriseID" => create(directory, email, "enterpriseID", arguments),
        "addAdobeID" => create(directory, email, "adobeID", arguments),
        "update" => {
            let user = known_user(directory, email)?;
            put(user, arguments);
            Ok(())
        }
        "add" => names(arguments, "group").try_for_each(|group| add(directory, email, group)),
        "remove" if arguments == "all" => {
            known_user(directory, email)?.groups.clear();
            Ok(())
        }
        "remove" => names(arguments, "group").try_for_each(|group| remove(directory, email, group)),
        "removeFromOrg" => {
            known_user(directory, email)?;
            directory
                .users
                .retain(|user| !user.email.eq_ignore_ascii_case(email));
            Ok(())
        }
        _ => unknown(),
    }
}

fn on_group(directory: &mut Directory, name: &str, verb: &str, arguments: &Value) -> Done {
    match verb {
        "createUserGroup" => create_group(directory, name, arguments),
        "deleteUserGroup" => {
            known_group(directory, name)?;
            directory.groups.retain(|group| group.name != name);
            directory
                .users
                .iter_mut()
                .for_each(|user| user.groups.retain(|group| group != name));
            Ok(())
        }
        "add" => names(arguments, "user").try_for_each(|user| add(directory, user, name)),
        "remove" => names(arguments, "user").try_for_each(|user| remove(directory, user, name)),
        _ => unknown(),
    }
}

fn create(directory: &mut Directory, name: &str, kind: &'static str, arguments: &Value) -> Done {
    let email = arguments["email"].as_str().unwrap_or(name);
    if !email.contains('@') {
        return refused("error.user.email.invalid", "The user needs a mail address");
    }
    if let Some(known) = directory.user_mut(email) {
        return match arguments["option"].as_str() {
            Some("ignoreIfAlreadyExists") => Ok(()),
            Some("updateIfAlreadyExists") => {
                put(known, arguments);
                Ok(())
            }
            _ => refused(
                "error.user.already_in_org",
                "The user is in the organization already",
            ),
        };
    }
    if directory.users.len() >= MOST_USERS {
        return refused("error.user.limit", "The sample keeps no more users");
    }
    let mut user = User {
        email: email.to_owned(),
        firstname: String::new(),
        lastname: String::new(),
        country: String::new(),
        kind,
        groups: Vec::new(),
    };
    put(&mut user, arguments);
    directory.users.push(user);
    Ok(())
}

/// The members of `arguments` that a user can take.
fn put(user: &mut User, arguments: &Value) {
    let fields = [
        ("firstname", &mut user.firstname),
        ("lastname", &mut user.lastname),
        ("country", &mut user.country),
    ];
    for (name, field) in fields {
        if let Some(value) = arguments[name].as_str() {
            value.clone_into(field);
        }
    }
}

fn create_group(directory: &mut Directory, name: &str, arguments: &Value) -> Done {
    if directory.group(name).is_some() {
        return match arguments["option"].as_str() {
            Some("ignoreIfAlreadyExists" | "updateIfAlreadyExists") => Ok(()),
            _ => refused(
                "error.group.already_exists",
                format!("Group {name} exists already"),
            ),
        };
    }
    if directory.groups.len() >= MOST_GROUPS {
        return refused("error.group.limit", "The sample keeps no more groups");
    }
    let id = directory.groups.last().map_or(1, |last| last.id + 1);
    directory.groups.push(Group {
        id,
        name: name.to_owned(),
        product: None,
    });
    Ok(())
}

fn add(directory: &mut Directory, email: &str, group: &str) -> Done {
    known_group(directory, group)?;
    let user = known_user(directory, email)?;
    if !user.groups.iter().any(|known| known == group) {
        user.groups.push(group.to_owned());
    }
    Ok(())
}

fn remove(directory: &mut Directory, email: &str, group: &str) -> Done {
    known_group(directory, group)?;
    known_user(directory, email)?
        .groups
        .retain(|known| known != group);
    Ok(())
}

fn known_user<'a>(directory: &'a mut Directory, email: &str) -> Result<&'a mut User, Refused> {
    match directory.user_mut(email) {
        Some(user) => Ok(user),
        None => refused(
            "error.user.nonexistent",
            format!("User Id does not exist: {email}"),
        ),
    }
}

fn known_group(directory: &Directory, name: &str) -> Done {
    match directory.group(name) {
        Some(_) => Ok(()),
        None => refused(
            "error.group.not_found",
            format!("Group {name} was not found"),
        ),
    }
}

fn unknown() -> Done {
    refused(
        "error.command.malformed",
        "The sample does not know this command",
    )
}

/// `{"group": ["a", "b"]}`; profiles of products are groups, too.
fn names<'a>(arguments: &'a Value, kind: &str) -> impl Iterator<Item = &'a str> {
    let lists = [&arguments[kind], &arguments["productConfiguration"]];
    lists
        .into_iter()
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(Value::as_str)
}

/// Source: the original takes up to ten entries a request.
const MOST_ENTRIES: usize = 10;
const MOST_USERS: usize = 1_000;
const MOST_GROUPS: usize = 200;
