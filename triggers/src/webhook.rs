//! `webhook`: somebody has posted to the pipeline's own address.

mod payload;

pub use payload::payload;

use engine_core::{
    expression::Kind,
    happening::Happening,
    stage::Fault,
    trigger::{
        Because, Commit, Door, Home, IndexKey, Meaning, Proof, Trigger, TriggerEvent, Verdict,
        Warning, WarningCode,
    },
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, json};

pub struct Webhook;

/// Somebody has posted to `/hooks/APPLICATION/NAME`. What was sent is `trigger.payload` in this
/// trigger's own `when` and `parameters`, and nowhere else.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct WebhookTrigger {
    /// The last part of the address.
    #[schemars(extend("format" = "gennaker-name"), example = &"released")]
    name: String,
    /// How who posts proves who it is: by a scheme and a secret, or not at all, by `none`. What nobody
    /// has proven never reaches a production environment.
    #[schemars(example = json!({"scheme": "standardWebhooks", "secrets": ["RELEASES_HOOK"]}))]
    verify: VerifyWord,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum VerifyWord {
    Nothing(NoneWord),
    By(Verify),
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum NoneWord {
    None,
}

/// A scheme, and what only both sides know.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Verify {
    /// How a request is signed: as this sender signs its own, as Standard Webhooks says, or by
    /// `Authorization: Bearer` with the secret itself.
    #[schemars(example = &"standardWebhooks")]
    scheme: SchemeWord,
    /// The names of one secret, or of the new and the old one while it is changed: either will do.
    #[schemars(length(min = 1, max = 2), inner(regex(pattern = "^[A-Z][A-Z0-9_]*$")),
        extend("uniqueItems" = true), example = json!(["RELEASES_HOOK"]))]
    secrets: Vec<String>,
}

/// How requests are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum SchemeWord {
    Github,
    Gitlab,
    Bitbucket,
    Gitea,
    StandardWebhooks,
    Bearer,
    Slack,
}

impl SchemeWord {
    fn word(self) -> &'static str {
        match self {
            SchemeWord::Github => "github",
            SchemeWord::Gitlab => "gitlab",
            SchemeWord::Bitbucket => "bitbucket",
            SchemeWord::Gitea => "gitea",
            SchemeWord::StandardWebhooks => "standardWebhooks",
            SchemeWord::Bearer => "bearer",
            SchemeWord::Slack => "slack",
        }
    }
}

/// Its address, and who may post there.
pub struct Matcher {
    application: String,
    name: String,
    proof: Known,
}

enum Known {
    Nothing,
    By { scheme: SchemeWord, secrets: Vec<String> },
}

impl Trigger for Webhook {
    const TYPE: &'static str = "webhook";
    const FIELDS: &'static [(&'static str, Kind)] = &[("payload", Kind::Any)];
    type Config = WebhookTrigger;
    type Matcher = Matcher;

    fn compile(config: WebhookTrigger, home: &Home) -> Result<Matcher, Vec<Fault>> {
        let WebhookTrigger { name, verify } = config;
        let application = home.application.clone();
        let proof = match verify {
            VerifyWord::Nothing(NoneWord::None) => Known::Nothing,
            VerifyWord::By(Verify { scheme, secrets }) => Known::By { scheme, secrets },
        };
        Ok(Matcher { application, name, proof })
    }

    fn warnings(matcher: &Matcher) -> Vec<Warning> {
        match matcher.proof {
            Known::By { .. } => Vec::new(),
            Known::Nothing => vec![Warning {
                code: WarningCode::Unverified,
                message: format!("whoever can reach /hooks/{}/{} starts this pipeline", matcher.application, matcher.name),
                help: "give `verify` a scheme and a secret; without them no production environment is reached".to_owned(),
            }],
        }
    }

    fn keys(matcher: &Matcher) -> Vec<IndexKey> {
        let (application, name) = (matcher.application.clone(), matcher.name.clone());
        vec![IndexKey::Hook { application, name }]
    }

    fn accept(matcher: &Matcher, happening: &Happening) -> Verdict {
        let no = |filter: &str, value: &str| {
            Verdict::No(Because { filter: filter.to_owned(), value: value.to_owned() })
        };
        let Happening::Hook(hook) = happening else { return no("type", Webhook::TYPE) };
        let proof = matcher.proof();
        let is_its_own = (&hook.application, &hook.name) == (&matcher.application, &matcher.name);
        match (is_its_own, hook.proofs.contains(&proof.words())) {
            (false, _) => no("name", &hook.name),
            (true, false) => no("verify", &format!("it was not proven by {}", proof.words())),
            (true, true) => Verdict::Start(TriggerEvent {
                fields: Map::from_iter([("payload".to_owned(), hook.payload.clone())]),
                meaning: Meaning::Once,
                commit: Commit::Default,
                actor: None,
            }),
        }
    }

    fn door(matcher: &Matcher) -> Option<Door<'_>> {
        let proof = matcher.proof();
        Some(Door { application: &matcher.application, name: &matcher.name, proof })
    }
}

impl Matcher {
    fn proof(&self) -> Proof<'_> {
        match &self.proof {
            Known::Nothing => Proof::None,
            Known::By { scheme, secrets } => Proof::Scheme { scheme: scheme.word(), secrets },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine_core::happening::Hook;
    use serde_json::Value;

    fn read(config: Value) -> Result<Matcher, String> {
        let home = Home {
            application: "shop".to_owned(),
            pipeline: "checkout".to_owned(),
            trigger: 0,
            repository: None,
        };
        let config = serde_json::from_value(config).map_err(|error| error.to_string())?;
        Webhook::compile(config, &home).map_err(|faults| faults[0].message.clone())
    }

    #[test]
    fn its_door_has_a_scheme_and_secrets_or_says_that_it_has_none() {
        let open = read(json!({"name": "released", "verify": "none"})).unwrap();
        assert_eq!(Webhook::door(&open).unwrap().proof, Proof::None);
        assert_eq!(Webhook::warnings(&open).len(), 1);
        for scheme in
            ["github", "gitlab", "bitbucket", "gitea", "standardWebhooks", "bearer", "slack"]
        {
            let verify = json!({"scheme": scheme, "secrets": ["NEW", "OLD"]});
            let closed = read(json!({"name": "released", "verify": verify})).unwrap();
            let secrets = &["NEW".to_owned(), "OLD".to_owned()];
            let door = Door {
                application: "shop",
                name: "released",
                proof: Proof::Scheme { scheme, secrets },
            };
            assert_eq!(Webhook::door(&closed), Some(door));
            assert_eq!(Webhook::warnings(&closed), []);
        }
        for verify in [
            json!({}),
            json!("no"),
            json!(true),
            json!({"scheme": "none", "secrets": ["A"]}),
            json!({"secrets": ["A"]}),
        ] {
            assert!(read(json!({"name": "released", "verify": verify})).is_err(), "{verify}");
        }
        assert!(read(json!({"name": "released"})).is_err(), "it is never guessed");
    }

    #[test]
    fn every_post_to_its_address_stands_for_itself() {
        let matcher = read(json!({"name": "released", "verify": "none"})).unwrap();
        let hook = |name: &str| {
            let (application, name) = ("shop".to_owned(), name.to_owned());
            let proofs = vec!["none".to_owned()];
            Happening::Hook(Hook { application, name, proofs, payload: json!({"version": 7}) })
        };
        assert_eq!(Webhook::keys(&matcher), [IndexKey::of(&hook("released"))]);
        let Verdict::Start(event) = Webhook::accept(&matcher, &hook("released")) else { panic!() };
        assert_eq!(
            (event.meaning, &event.fields["payload"]["version"]),
            (Meaning::Once, &json!(7))
        );
        assert!(matches!(Webhook::accept(&matcher, &hook("other")), Verdict::No(_)));
    }
}
