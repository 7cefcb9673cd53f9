//! Whether people, groups and roles fit together.

use super::{Part, Way, Whole, unknown};
use crate::{
    diagnostic::{Code, Diagnostic, Span, quoted},
    limits::FAULTS,
    platform::text::UserText,
};
use std::collections::BTreeMap;

pub(super) fn faults(whole: &Whole<'_>, part: &Part<'_>, faults: &mut Vec<Diagnostic>) {
    names(part, faults);
    groups(whole, part, faults);
    roles(whole, part, faults);
}

/// Names of people have no `:`: what an actor is called is never taken for something else.
fn names(part: &Part<'_>, faults: &mut Vec<Diagnostic>) {
    for name in part.text.people.users.keys() {
        if name.contains(':') || name.trim() != name || name.is_empty() {
            let at = part.span(&[Way::Key("people"), Way::Key("users"), Way::Key(name)]);
            let message = format!("{} is no name of a person", quoted(name));
            faults
                .push(Diagnostic::error(Code::E016, at, message).help("leave `:` and spaces out"));
        }
    }
}

/// What is known of a person elsewhere, with the key and its words. It is one person's.
fn accounts(user: &UserText) -> impl Iterator<Item = (&'static str, &'static str, &str)> {
    let one = [
        ("unix", "login name", &user.unix),
        ("github", "GitHub login", &user.github),
        ("slack", "Slack member", &user.slack),
        ("email", "address", &user.email),
    ];
    let one = one.into_iter().filter_map(|(key, words, text)| Some((key, words, text.as_deref()?)));
    one.chain(user.git_emails.iter().map(|text| ("gitEmails", "address", text.as_str())))
}

/// Whatever stands for one person and one group stands once, in all files.
pub(super) fn repeated(whole: &Whole<'_>, faults: &mut [Vec<Diagnostic>]) {
    let mut seen: BTreeMap<(&str, String), &str> = BTreeMap::new();
    let mut users: BTreeMap<&str, usize> = BTreeMap::new();
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, part) in whole.parts.iter().enumerate() {
        let people = &part.text.people;
        for (name, user) in &people.users {
            let way = [Way::Key("people"), Way::Key("users")];
            if users.insert(name, at).is_some_and(|before| before != at) {
                faults[at].push(twice(("user", name), part.key_span((&way, name))));
                continue;
            }
            for (key, words, account) in accounts(user) {
                let other = seen.insert((words, account.to_lowercase()), name);
                if let Some(other) = other.filter(|other| other != name) {
                    let way = [way[0], way[1], Way::Key(name), Way::Key(key)];
                    faults[at].push(shared((other, name), words, part.span(&way)));
                }
            }
        }
        for name in people.groups.keys() {
            let way = [Way::Key("people"), Way::Key("groups")];
            if groups.insert(name, at).is_some_and(|before| before != at) {
                faults[at].push(twice(("group", name), part.key_span((&way, name))));
            }
        }
    }
}

fn twice((what, name): (&str, &str), at: Span) -> Diagnostic {
    let message = format!("another file has the {what} {} already", quoted(name));
    Diagnostic::error(Code::E013, at, message).help("remove one of the two")
}

fn shared((one, other): (&str, &str), words: &str, at: Span) -> Diagnostic {
    let message = format!("{} and {} have one {words}", quoted(one), quoted(other));
    Diagnostic::error(Code::E016, at, message).help("an account belongs to one person")
}

fn groups(whole: &Whole<'_>, part: &Part<'_>, faults: &mut Vec<Diagnostic>) {
    for (group, members) in &part.text.people.groups {
        for (index, member) in members.iter().enumerate() {
            let way = [Way::Key("people"), Way::Key("groups"), Way::Key(group), Way::Item(index)];
            faults.extend(unknown_user(whole, member, part.span(&way)));
            // What comes after these is not told.
            if faults.len() > FAULTS {
                return;
            }
        }
    }
}

fn roles(whole: &Whole<'_>, part: &Part<'_>, faults: &mut Vec<Diagnostic>) {
    for (at, role) in part.text.roles.iter().flatten().enumerate() {
        for (index, to) in role.to.iter().enumerate() {
            let way = [Way::Key("roles"), Way::Item(at), Way::Key("to"), Way::Item(index)];
            faults.extend(nobody(whole, to, part.span(&way)));
            if faults.len() > FAULTS {
                return;
            }
        }
    }
}

/// That `user:NAME` or `group:NAME` means nobody.
pub(super) fn nobody(whole: &Whole<'_>, to: &str, place: Span) -> Option<Diagnostic> {
    match to.split_once(':') {
        Some(("user", user)) => unknown_user(whole, user, place),
        Some((_, group)) => unknown_group(whole, group, place),
        None => None,
    }
}

fn unknown_user(whole: &Whole<'_>, user: &str, place: Span) -> Option<Diagnostic> {
    let known = whole.text.people.users.keys().map(String::as_str);
    unknown(("user", "name it under `people: {users: …}`"), (user, place), known)
}

fn unknown_group(whole: &Whole<'_>, group: &str, place: Span) -> Option<Diagnostic> {
    let known = whole.text.people.groups.keys().map(String::as_str);
    unknown(("group", "name it under `people: {groups: …}`"), (group, place), known)
}
