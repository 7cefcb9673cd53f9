//! What a registry wants to be shown before it answers: `WWW-Authenticate`.

use http_auth::{ChallengeRef, parser::ChallengeParser};
use reqwest::{
    Url,
    header::{HeaderMap, WWW_AUTHENTICATE},
};
use serde::Deserialize;
use std::time::Duration;
use zeroize::Zeroizing;

/// What a token is good for if its server does not say.
const USUAL_LIFE: Duration = Duration::from_secs(60);
const LONGEST_LIFE: Duration = Duration::from_secs(3_600);
/// A token is not used in its last moments.
const MARGIN: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    Basic,
    /// A token of the server at `realm`.
    Bearer {
        realm: Url,
        service: Option<String>,
    },
}

/// A token and how long it may be used.
pub(super) struct Token {
    pub(super) text: Zeroizing<String>,
    pub(super) life: Duration,
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

/// What these headers ask for; of several, a token.
pub(super) fn read(headers: &HeaderMap) -> Option<Challenge> {
    let texts = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let asked: Vec<Challenge> = texts
        .flat_map(|text| ChallengeParser::new(text).map_while(Result::ok))
        .filter_map(|challenge| one(&challenge))
        .collect();
    let bearer = asked.iter().find(|it| matches!(it, Challenge::Bearer { .. }));
    bearer.or(asked.first()).cloned()
}

fn one(challenge: &ChallengeRef<'_>) -> Option<Challenge> {
    let parameter = |name: &str| {
        let mut all = challenge.params.iter();
        all.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_unescaped())
    };
    match challenge.scheme.to_ascii_lowercase().as_str() {
        "basic" => Some(Challenge::Basic),
        "bearer" => {
            let realm = Url::parse(&parameter("realm")?).ok()?;
            Some(Challenge::Bearer { realm, service: parameter("service") })
        }
        _ => None,
    }
}

/// The question for a token to pull `scope`.
pub(super) fn question(realm: &Url, service: Option<&str>, scope: &str) -> Url {
    let mut url = realm.clone();
    let mut query = url.query_pairs_mut();
    if let Some(service) = service {
        query.append_pair("service", service);
    }
    query.append_pair("scope", scope);
    drop(query);
    url
}

pub(super) fn token(body: &[u8]) -> Result<Token, String> {
    let answer: TokenAnswer =
        serde_json::from_slice(body).map_err(|_| "its answer has no token".to_owned())?;
    let text = answer.token.or(answer.access_token).filter(|token| !token.is_empty());
    let life = answer.expires_in.map_or(USUAL_LIFE, Duration::from_secs).min(LONGEST_LIFE);
    let text = Zeroizing::new(text.ok_or("its answer has no token")?);
    Ok(Token { text, life: life.saturating_sub(MARGIN) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(values: &[&str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, value.parse().unwrap());
        }
        read(&headers)
    }

    #[test]
    fn a_token_is_preferred_to_a_password_and_nonsense_asks_for_nothing() {
        let bearer = |realm: &str, service: Option<&str>| {
            let service = service.map(str::to_owned);
            Some(Challenge::Bearer { realm: Url::parse(realm).unwrap(), service })
        };
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull""#;
        assert_eq!(
            asked(&[hub]),
            bearer("https://auth.docker.io/token", Some("registry.docker.io"))
        );
        assert_eq!(asked(&["Basic realm=\"x\""]), Some(Challenge::Basic));
        assert_eq!(
            asked(&["basic realm=x", "BEARER Realm=\"https://a/\""]),
            bearer("https://a/", None)
        );
        for nonsense in
            ["", "Negotiate", "Bearer", "Bearer realm=\"not a url\"", "\u{1}", "Bearer ,,,="]
        {
            let Ok(value) = nonsense.parse::<reqwest::header::HeaderValue>() else { continue };
            let mut headers = HeaderMap::new();
            headers.append(WWW_AUTHENTICATE, value);
            assert_eq!(read(&headers), None, "{nonsense}");
        }
    }

    #[test]
    fn a_token_is_used_for_less_than_it_lives_and_never_over_an_hour() {
        for (body, seconds) in [
            (r#"{"token": "t"}"#, 50),
            (r#"{"access_token": "t", "expires_in": 300}"#, 290),
            (r#"{"token": "t", "expires_in": 5}"#, 0),
            (r#"{"token": "t", "expires_in": 99999999}"#, 3_590),
        ] {
            let read = token(body.as_bytes()).unwrap();
            assert_eq!((read.text.as_str(), read.life.as_secs()), ("t", seconds), "{body}");
        }
        for body in ["", "[]", "{}", r#"{"token": ""}"#, r#"{"token": 7}"#] {
            assert!(token(body.as_bytes()).is_err(), "{body}");
        }
    }
}
