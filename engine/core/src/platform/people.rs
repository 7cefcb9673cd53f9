//! Who somebody is, and what they may do.

use super::{Leave, Platform, text::RoleWord};
use crate::{
    glob::matches,
    language::closest,
    person::{Actor, Way},
};

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Start runs, and say what is to become of them.
    Run,
    /// Answer approvals.
    Approve,
}

/// Whether an entry of a list of approvers means somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approver {
    Known,
    /// The sentence says what is wrong, and the second one what to do.
    Unknown {
        message: String,
        help: String,
    },
}

impl Right {
    fn word(self) -> &'static str {
        match self {
            Right::Run => "run",
            Right::Approve => "approve",
        }
    }
}

impl RoleWord {
    fn gives(self, right: Right) -> bool {
        match (self, right) {
            (RoleWord::Admin, _)
            | (RoleWord::Run, Right::Run)
            | (RoleWord::Approve, Right::Approve) => true,
            (RoleWord::Run, Right::Approve) | (RoleWord::Approve, Right::Run) => false,
        }
    }
}

impl Platform {
    /// The person behind a login name. One whom the file does not know is called `unix:NAME`, which
    /// is nobody's name.
    pub fn person(&self, actor: Actor) -> Actor {
        let Some(file) = self.file() else { return actor };
        match actor.way {
            Way::Engine | Way::Event => actor,
            Way::CommandLine | Way::Socket => {
                let users = &file.people.users;
                let known = users.iter().find(|(_, user)| user.unix.as_ref() == Some(&actor.name));
                let name = match known {
                    Some((name, _)) => name.clone(),
                    None if actor.name.starts_with("unix:") => actor.name,
                    None => format!("unix:{}", actor.name),
                };
                Actor { name, way: actor.way }
            }
        }
    }

    /// Whether a person is who started a run, be it by a push in the name of their login at a host.
    pub(crate) fn has_started(&self, name: &str, starter: &Actor) -> bool {
        if starter.name == name {
            return true;
        }
        let login = match starter.way {
            Way::Event => starter.name.strip_prefix("git:"),
            Way::Engine | Way::CommandLine | Way::Socket => None,
        };
        let Some(login) = login else { return false };
        let known = self.file().and_then(|file| file.people.users.get(name)?.github.as_deref());
        login.eq_ignore_ascii_case(known.unwrap_or(name))
    }

    /// Whether somebody holds a right for an application in all of these environments; if there are
    /// none, in any.
    pub fn right(
        &self,
        (person, right): (&str, Right),
        (application, environments): (&str, &[String]),
    ) -> Leave {
        let Some(roles) = self.file().and_then(|file| file.roles.as_ref()) else {
            return Leave::Granted;
        };
        let gives = |environment: Option<&String>| {
            roles.iter().any(|role| {
                role.role.gives(right)
                    && role.to.iter().any(|to| self.means(to, person))
                    && role.applications.iter().any(|pattern| matches(pattern, application))
                    && environment.is_none_or(|environment| {
                        role.environments.iter().any(|pattern| matches(pattern, environment))
                    })
            })
        };
        let granted = match environments {
            [] => gives(None),
            all => all.iter().all(|environment| gives(Some(environment))),
        };
        if granted { Leave::Granted } else { Leave::Refused }
    }

    /// The sentence for a right that somebody lacks.
    pub fn lacks(
        (person, right): (&str, Right),
        (application, environments): (&str, &[String]),
    ) -> String {
        let word = right.word();
        match environments {
            [] => format!("{person} does not hold the role `{word}` for {application}"),
            all => {
                format!(
                    "{person} does not hold the role `{word}` for {application} in {}",
                    all.join(", ")
                )
            }
        }
    }

    /// Whether `user:NAME` or `group:NAME` means this person.
    pub fn means(&self, approver: &str, person: &str) -> bool {
        match approver.split_once(':') {
            Some(("user", name)) => name == person,
            Some(("group", name)) => self.file().is_some_and(|file| {
                file.people
                    .groups
                    .get(name)
                    .is_some_and(|members| members.iter().any(|it| it == person))
            }),
            Some(_) | None => false,
        }
    }

    /// Whether `user:NAME` or `group:NAME` means anybody.
    pub fn approver(&self, approver: &str) -> Approver {
        let (kind, name) = approver.split_once(':').unwrap_or(("user", approver));
        let Some(file) = self.file() else {
            return match kind {
                "group" => Approver::Unknown {
                    message: format!("there is no group `{name}`"),
                    help: "groups are named in gennaker.yaml, and there is none".to_owned(),
                },
                _ => Approver::Known,
            };
        };
        let known: Vec<&str> = match kind {
            "group" => file.people.groups.keys().map(String::as_str).collect(),
            _ => file.people.users.keys().map(String::as_str).collect(),
        };
        if known.contains(&name) {
            return Approver::Known;
        }
        let help = match closest(name, known) {
            Some(near) => format!("did you mean `{kind}:{near}`?"),
            None => "name it under `people` in gennaker.yaml".to_owned(),
        };
        Approver::Unknown { message: format!("there is no {kind} `{name}`"), help }
    }
}
