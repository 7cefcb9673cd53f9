//! Texts that look like credentials.
//!
//! Three signs, each narrow: a form that only one kind of credential has, credentials within a URL,
//! and a random text under a key that names a secret. Digests, revisions, ids and names of hosts
//! are as random as passwords, so randomness alone is no sign.

use crate::{
    diagnostic::{Code, Diagnostic},
    language::{Content, Node},
};

/// Beginnings that issuers give their tokens, and how many characters follow at least.
const PREFIXES: [(&str, usize, &str); 22] = [
    ("AKIA", 16, "an AWS access key"),
    ("ASIA", 16, "an AWS access key"),
    ("AIza", 35, "a Google API key"),
    ("ya29.", 20, "a Google access token"),
    ("ghp_", 30, "a GitHub token"),
    ("gho_", 30, "a GitHub token"),
    ("ghu_", 30, "a GitHub token"),
    ("ghs_", 30, "a GitHub token"),
    ("ghr_", 30, "a GitHub token"),
    ("github_pat_", 30, "a GitHub token"),
    ("glpat-", 20, "a GitLab token"),
    ("xoxb-", 20, "a Slack token"),
    ("xoxp-", 20, "a Slack token"),
    ("xapp-", 20, "a Slack token"),
    ("sk_live_", 16, "a Stripe key"),
    ("rk_live_", 16, "a Stripe key"),
    ("npm_", 36, "an npm token"),
    ("dckr_pat_", 20, "a Docker token"),
    ("hvs.", 20, "a Vault token"),
    ("whsec_", 24, "a webhook secret"),
    ("SG.", 40, "a SendGrid key"),
    ("eyJhbGciOi", 40, "a signed token"),
];
/// Parts of keys that name secrets.
const SECRET_KEYS: [&str; 9] = [
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "authorization",
    "credential",
    "privatekey",
    "accesskey",
];
/// Ends of keys that name where a secret is, not the secret.
const PLACE_KEYS: [&str; 8] = ["name", "file", "path", "ref", "url", "id", "dir", "type"];
/// Words that stand before a credential in a header.
const SCHEMES: [&str; 4] = ["bearer ", "basic ", "token ", "bot "];
/// Shorter texts are words more often than credentials.
const SHORTEST: usize = 16;
/// Bits per character above which a text is not made of words.
const RANDOM_BITS: f64 = 3.3;

/// W112, for each text of the file.
pub(super) fn warnings(root: &Node) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut open: Vec<(&str, &Node)> = vec![("", root)];
    while let Some((key, node)) = open.pop() {
        match &node.content {
            Content::Scalar { text, .. } => {
                if let Some(what) = looks_like(key, text) {
                    let message = format!("this looks like {what}");
                    let help = "a file in a repository is no place for it: take it away, and have \
                        it replaced where it came from";
                    found.push(Diagnostic::warning(Code::W112, node.span, message).help(help));
                }
            }
            Content::List(items) => open.extend(items.iter().map(|item| (key, &**item))),
            Content::Map(entries) => {
                open.extend(entries.iter().map(|entry| (&*entry.key.text, &*entry.value)));
            }
            Content::Told => {}
        }
    }
    found
}

/// What a text under `key` looks like, if it is a credential.
fn looks_like(key: &str, text: &str) -> Option<&'static str> {
    known_form(text).or_else(|| in_url(text)).or_else(|| random(key, text))
}

fn known_form(text: &str) -> Option<&'static str> {
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    let is_token = |character: char| character.is_ascii_alphanumeric() || "_-.".contains(character);
    text.split(|character| !is_token(character)).find_map(|word| {
        PREFIXES.iter().find_map(|(prefix, length, what)| {
            let rest = word.strip_prefix(prefix)?;
            let mixed = rest.bytes().any(|it| it.is_ascii_digit() || it.is_ascii_uppercase());
            (rest.len() >= *length && mixed).then_some(*what)
        })
    })
}

/// `scheme://user:password@host`.
fn in_url(text: &str) -> Option<&'static str> {
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#', ' ']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    let (_, password) = user.split_once(':')?;
    (!password.is_empty() && !password.contains('$')).then_some("a password within a URL")
}

/// A text of no words under a key that names a secret.
fn random(key: &str, text: &str) -> Option<&'static str> {
    let key: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    let key = key.to_ascii_lowercase();
    let names = SECRET_KEYS.iter().any(|word| key.contains(word));
    if !names || PLACE_KEYS.iter().any(|end| key.ends_with(end)) {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let scheme = SCHEMES.iter().find(|scheme| lower.starts_with(**scheme));
    let value = text[scheme.map_or(0, |scheme| scheme.len())..].trim();
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'$' && byte != b'{';
    let is_text = value.len() >= SHORTEST && value.bytes().all(plain) && !value.contains("://");
    let is_mixed = value.bytes().any(|byte| byte.is_ascii_digit())
        && value.bytes().any(|byte| byte.is_ascii_alphabetic());
    (is_text && is_mixed && bits_per_character(value) > RANDOM_BITS).then_some("a credential")
}

/// Shannon's entropy over the bytes.
fn bits_per_character(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    text.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let length = text.len().max(1) as f64;
    let shares = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / length);
    shares.map(|share| -share * share.log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::looks_like;

    #[test]
    fn credentials_are_known_by_their_form_their_url_or_their_key() {
        for (key, text, what) in [
            ("env", "AKIA2E0A8F3B244C9986", "an AWS access key"),
            ("args", "curl -H ghp_0123456789abcdefABCDEF0123456789abcd x", "a GitHub token"),
            ("x", "glpat-Zx7sQ9pLm2Rt5Vw8Yb3N", "a GitLab token"),
            ("x", "xoxb-1234567890-abcdefABCDEF1234", "a Slack token"),
            ("key", "-----BEGIN RSA PRIVATE KEY-----\nMIIE", "a private key"),
            ("url", "postgres://shop:hunter2@db/shop", "a password within a URL"),
            ("Authorization", "Bearer 9f4KqLw2ZxTb7RmVn3Yc", "a credential"),
            ("DB_PASSWORD", "mK8#vQ2!xR7pLz4w", "a credential"),
            ("apiKey", "3b9f1c7de05a48b2a6c49d10e2f87b31", "a credential"),
        ] {
            assert_eq!(looks_like(key, text), Some(what), "{key}: {text}");
        }
    }

    #[test]
    fn names_digests_places_and_expressions_are_none() {
        let digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for (key, text) in [
            ("image", digest),
            ("commit", "4b825dc642cb6eb9a060e54bf8d69288fbee4904"),
            ("url", "https://shop.example.com/health?token=none"),
            ("url", "https://user@shop.example.com/"),
            ("url", "https://user:$PASSWORD@shop.example.com/"),
            ("Authorization", "Bearer ${{ secrets.STATUS_TOKEN }}"),
            ("Authorization", "Bearer $TOKEN_OF_THE_STATUS_PAGE_1"),
            ("tokenUrl", "https://login.example.com/oauth2/v2.0/token"),
            ("secretName", "checkout-database-credentials-v12"),
            ("PASSWORD_FILE", "/run/secrets/checkout-database-1"),
            ("passwordPath", "secret/data/checkout/database-7"),
            ("message", "rotate the password in k8s before 2026-12-24"),
            ("password", "changeme"),
            ("tokens", "1000000000000000000000"),
            ("registry", "AKIAMI-is-a-town"),
            ("name", "npm_config_registry"),
            ("labels", "SG.short"),
        ] {
            assert_eq!(looks_like(key, text), None, "{key}: {text}");
        }
    }
}
