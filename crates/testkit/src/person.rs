//! Somebody who is signed in to the pages, without a browser: a cookie, and forms with their token.

use countersign_authority::NewInvitation;
use countersign_model::{Role, SignInName};
use countersign_wire::{OrgId, ProfileId};
use http::Method;

use crate::answer::Answer;
use crate::app::{Node, operator};
use crate::clients::{Call, Caller};

/// The password of everybody.
pub const PASSWORD: &str = "three blue lighthouses";

/// A person with a session.
#[derive(Clone)]
pub struct Person {
    caller: Caller,
    cookie: String,
    token: String,
}

impl Node {
    /// A new member of an organization, who has followed the link of an invitation.
    pub async fn person(&self, org: &OrgId, sign_in_name: &str, role: Role) -> Person {
        self.developer(org, sign_in_name, role, &[]).await
    }

    /// A new member with product profiles.
    pub async fn developer(
        &self,
        org: &OrgId,
        sign_in_name: &str,
        role: Role,
        profiles: &[ProfileId],
    ) -> Person {
        let new = NewInvitation {
            sign_in_name: SignInName::parse(sign_in_name).unwrap(),
            role,
            profiles: profiles.to_vec(),
        };
        let invited = self.authority.invite_member(org, new, &operator()).await;
        let code = invited.unwrap().code;
        self.accept(code.expose(), &[("name", sign_in_name)]).await
    }

    /// The first person, who administers everything and runs the installation.
    pub async fn first_person(&self, sign_in_name: &str) -> Person {
        let invited = self.authority.invite_first_administrator(&operator()).await;
        let invited = invited.unwrap().expect("there is nobody yet");
        let more = [
            ("name", sign_in_name),
            ("sign_in_name", sign_in_name),
            ("organization", "Example"),
        ];
        self.accept(invited.code.expose(), &more).await
    }

    async fn accept(&self, code: &str, more: &[(&str, &str)]) -> Person {
        let mut fields = vec![
            ("code", code),
            ("password", PASSWORD),
            ("password_again", PASSWORD),
        ];
        fields.extend(more);
        let caller = self.anonymous();
        let answer = caller
            .post("/console/invitation")
            .form(&fields)
            .send()
            .await;
        Person::entered(caller, &answer).await
    }

    /// Signs somebody in who has no device.
    pub async fn sign_in(&self, sign_in_name: &str) -> Person {
        let caller = self.anonymous();
        let fields = [("sign_in_name", sign_in_name), ("password", PASSWORD)];
        let answer = caller.post("/console/sign-in").form(&fields).send().await;
        Person::entered(caller, &answer).await
    }
}

impl Person {
    /// Whoever got a session by this answer.
    pub async fn entered(caller: Caller, answer: &Answer) -> Self {
        assert_eq!(answer.status, 303, "{}", answer.body);
        let cookie = answer.session().expect("a session");
        let mut person = Self {
            caller,
            cookie,
            token: String::new(),
        };
        let page = person.get("/console/account").await;
        let at = page.body.find("name=\"form_token\" value=\"").unwrap() + 25;
        person.token = page.body[at..].split('"').next().unwrap().to_owned();
        person
    }

    /// Begins a GET, with the cookie.
    #[must_use]
    pub fn call(&self, path: &str) -> Call {
        self.begin(Method::GET, path)
    }

    /// Begins a request of any method, with the cookie.
    #[must_use]
    pub fn begin(&self, method: Method, path: &str) -> Call {
        self.caller
            .call(method, path)
            .header("cookie", &self.cookie)
    }

    /// Opens a page.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(path).send().await
    }

    /// Sends a form with the session's token.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut all = vec![("form_token", self.token.as_str())];
        all.extend(fields);
        self.bare_post(path, &all).await
    }

    /// Sends a form with a token of the test's choice, or none.
    pub async fn bare_post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let call = self.caller.post(path).header("cookie", &self.cookie);
        call.form(fields).send().await
    }

    /// The token of the session's forms.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// What the browser shows with each request.
    #[must_use]
    pub fn cookie(&self) -> &str {
        &self.cookie
    }
}
