//! Signatures that vendors have published, with their secrets.

use crate::request::Request;
use engine_core::receiver::{Key, Refused};
use triggers::verify::{SCHEMES, scheme};

fn verdict(word: &str, request: &Request, secrets: &[&str]) -> Result<(), Refused> {
    let secrets: Vec<&[u8]> = secrets.iter().map(|secret| secret.as_bytes()).collect();
    scheme(word).unwrap().verify(&request.raw(), &secrets).map(|_| ())
}

#[test]
fn every_word_is_a_scheme_and_no_other_is() {
    for word in SCHEMES {
        assert!(scheme(word).is_some(), "{word}");
        assert!(scheme(&word.to_uppercase()).is_none());
    }
    assert!(scheme("none").is_none());
    assert!(scheme("").is_none());
}

#[test]
fn the_published_vector_of_github_holds() {
    let secret = "It's a Secret to Everybody";
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let signed = |body: &str| Request::of(body).with("X-Hub-Signature-256", signature);
    assert_eq!(verdict("github", &signed("Hello, World!"), &[secret]), Ok(()));
    assert_eq!(verdict("github", &signed("Hello, World"), &[secret]), Err(Refused::Bad));
    assert_eq!(verdict("gitea", &signed("Hello, World!"), &[secret]), Ok(()));
}

#[test]
fn the_published_vector_of_web_sub_holds_for_bitbucket() {
    let secret = "It's a Secret to Everybody";
    let signature = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9";
    let request = Request::of("Hello World!").with("X-Hub-Signature", signature);
    assert_eq!(verdict("bitbucket", &request, &[secret]), Ok(()));
    assert_eq!(verdict("github", &request, &[secret]), Err(Refused::Algorithm));
}

#[test]
fn the_published_vector_of_slack_holds_for_five_minutes() {
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&\
                channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&\
                command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands\
                %2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&\
                trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    let at = |received| {
        let request = Request::of(body)
            .with("X-Slack-Signature", signature)
            .with("X-Slack-Request-Timestamp", "1531420618");
        Request { received: Some(received), ..request }
    };
    let secret = "8f742231b10e8888abcd99yyyzzz85a5";
    for (received, expected) in [
        (1_531_420_618, Ok(())),
        (1_531_420_618 + 300, Ok(())),
        (1_531_420_618 - 300, Ok(())),
        (1_531_420_618 + 301, Err(Refused::Stale)),
        (1_531_420_618 - 301, Err(Refused::Stale)),
        (0, Err(Refused::Stale)),
        (u64::MAX, Err(Refused::Stale)),
    ] {
        assert_eq!(verdict("slack", &at(received), &[secret]), expected, "{received}");
    }
}

#[test]
fn the_published_vector_of_standard_webhooks_holds_with_its_prefix_and_without() {
    let body = r#"{"test": 2432232314}"#;
    let good = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    let other = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";
    let request = |signature: &str| {
        let request = Request::of(body)
            .with("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
            .with("webhook-timestamp", "1614265330")
            .with("webhook-signature", signature);
        Request { received: Some(1_614_265_330), ..request }
    };
    let (secret, bare) =
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    for (signatures, expected) in [
        (good.to_owned(), Ok(())),
        (format!("{other} {good} v2,AAAA"), Ok(())),
        (format!("v1a,AAAA {good}"), Ok(())),
        (other.to_owned(), Err(Refused::Bad)),
        (good[..20].to_owned(), Err(Refused::Bad)),
        ("v1,".to_owned(), Err(Refused::Bad)),
        ("v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".to_owned(), Err(Refused::Algorithm)),
        (String::new(), Err(Refused::Missing)),
    ] {
        for secret in [secret, bare] {
            let request = request(&signatures);
            assert_eq!(verdict("standardWebhooks", &request, &[secret]), expected, "{signatures}");
        }
        // One verifier serves both.
        assert_eq!(verdict("gitlab", &request(&signatures), &[secret]), expected, "{signatures}");
    }
    let verified = scheme("standardWebhooks").unwrap();
    let verified = verified.verify(&request(good).raw(), &[secret.as_bytes()]).unwrap();
    assert_eq!(verified.key, Key::Named("msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned()));
}

#[test]
fn a_secret_that_is_empty_or_not_there_lets_nobody_in() {
    let of_nothing = "sha256=b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
    let request = Request::of("").with("X-Hub-Signature-256", of_nothing);
    assert_eq!(verdict("github", &request, &[]), Err(Refused::Bad));
    assert_eq!(verdict("github", &request, &[""]), Err(Refused::Bad));
    let token = Request::of("{}").with("X-Gitlab-Token", "").with("Authorization", "Bearer ");
    assert_eq!(verdict("gitlab", &token, &[""]), Err(Refused::Bad));
    assert_eq!(verdict("bearer", &token, &[""]), Err(Refused::Bad));
}

#[test]
fn a_header_that_stands_twice_is_nobodys() {
    let good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let twice = Request::of("Hello, World!")
        .with("X-Hub-Signature-256", good)
        .with("X-Hub-Signature-256", good);
    assert_eq!(verdict("github", &twice, &["It's a Secret to Everybody"]), Err(Refused::Missing));
}
