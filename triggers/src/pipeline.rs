//! `pipeline`: another pipeline has ended.

use engine_core::{
    expression::Kind,
    happening::{Ended, Happening},
    stage::{Fault, FaultCode},
    status::RunStatus,
    trigger::{Because, Commit, Home, IndexKey, Meaning, Trigger, TriggerEvent, Verdict},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, json};

pub struct Pipeline;

/// Another pipeline has ended.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PipelineTrigger {
    /// Whose pipeline it is; this one's application, if it is not said.
    #[serde(default)]
    #[schemars(extend("format" = "gennaker-name"), example = &"shop")]
    application: Option<String>,
    /// What the pipeline is called.
    #[schemars(extend("format" = "gennaker-name"), example = &"build")]
    name: String,
    /// How it must have ended.
    #[serde(default = "succeeded")]
    #[schemars(length(min = 1), example = json!(["succeeded", "failed"]))]
    status: Vec<EndWord>,
}

/// How a run can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum EndWord {
    Succeeded,
    Failed,
    RolledBack,
    Cancelled,
    Rejected,
    Invalid,
}

fn succeeded() -> Vec<EndWord> {
    vec![EndWord::Succeeded]
}

impl EndWord {
    fn is(self, status: RunStatus) -> bool {
        match self {
            EndWord::Succeeded => status == RunStatus::Succeeded,
            EndWord::Failed => status == RunStatus::Failed,
            EndWord::RolledBack => status == RunStatus::RolledBack,
            EndWord::Cancelled => status == RunStatus::Cancelled,
            EndWord::Rejected => status == RunStatus::Rejected,
            EndWord::Invalid => status == RunStatus::Invalid,
        }
    }
}

/// What it looks at, and for which ends.
pub struct Matcher {
    application: String,
    name: String,
    status: Vec<EndWord>,
}

impl Trigger for Pipeline {
    const TYPE: &'static str = "pipeline";
    const FIELDS: &'static [(&'static str, Kind)] = &[("run", Kind::Map)];
    type Config = PipelineTrigger;
    type Matcher = Matcher;

    fn compile(config: PipelineTrigger, home: &Home) -> Result<Matcher, Vec<Fault>> {
        let application = config.application.unwrap_or_else(|| home.application.clone());
        if (&application, &config.name) == (&home.application, &home.pipeline) {
            return Err(vec![Fault {
                code: FaultCode::Value,
                place: Vec::new(),
                message: "a pipeline cannot start itself when it ends".to_owned(),
                help: Some("name another one, or use `cron`".to_owned()),
            }]);
        }
        Ok(Matcher { application, name: config.name, status: config.status })
    }

    fn keys(matcher: &Matcher) -> Vec<IndexKey> {
        let (application, pipeline) = (matcher.application.clone(), matcher.name.clone());
        vec![IndexKey::Ended { application, pipeline }]
    }

    fn accept(matcher: &Matcher, happening: &Happening) -> Verdict {
        let Happening::Ended(ended) = happening else {
            return Verdict::No(Because {
                filter: "type".to_owned(),
                value: "pipeline".to_owned(),
            });
        };
        match matcher.status.iter().any(|word| word.is(ended.status)) {
            true => Verdict::Start(event(ended)),
            false => {
                let value = ended.status.word().to_owned();
                Verdict::No(Because { filter: "status".to_owned(), value })
            }
        }
    }
}

fn event(ended: &Ended) -> TriggerEvent {
    let run = json!({
        "id": ended.run.to_string(),
        "label": ended.label,
        "application": ended.application,
        "pipeline": ended.pipeline,
        "status": ended.status.word(),
    });
    TriggerEvent {
        fields: Map::from_iter([("run".to_owned(), run)]),
        meaning: Meaning::Of { subject: "run".to_owned(), value: ended.run.to_string() },
        commit: Commit::Default,
        actor: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine_core::id::RunId;

    fn home() -> Home {
        Home {
            application: "shop".to_owned(),
            pipeline: "after".to_owned(),
            trigger: 0,
            repository: None,
        }
    }

    fn ended(status: RunStatus) -> Happening {
        let run = RunId(uuid::Uuid::from_u128(7));
        Happening::Ended(Ended {
            run,
            label: "checkout#7".to_owned(),
            application: "shop".to_owned(),
            pipeline: "checkout".to_owned(),
            status,
            ancestry: vec![run],
        })
    }

    #[test]
    fn it_fires_on_the_ends_that_it_names_and_says_of_others_how_they_were() {
        let config = |status| json!({"name": "checkout", "status": status});
        let read = |value| serde_json::from_value::<PipelineTrigger>(value).unwrap();
        let matcher = Pipeline::compile(read(config(json!(["failed", "rejected"]))), &home());
        let matcher = matcher.unwrap();
        let (application, pipeline) = ("shop".to_owned(), "checkout".to_owned());
        assert_eq!(Pipeline::keys(&matcher), [IndexKey::Ended { application, pipeline }]);
        for (status, starts) in [
            (RunStatus::Failed, true),
            (RunStatus::Rejected, true),
            (RunStatus::Succeeded, false),
            (RunStatus::RolledBack, false),
            (RunStatus::Cancelled, false),
            (RunStatus::Invalid, false),
        ] {
            match Pipeline::accept(&matcher, &ended(status)) {
                Verdict::Start(event) => {
                    assert!(starts, "{status:?}");
                    assert_eq!(event.fields["run"]["label"], "checkout#7");
                }
                Verdict::No(because) => {
                    assert!(!starts, "{status:?}");
                    assert_eq!(
                        (because.filter.as_str(), &*because.value),
                        ("status", status.word())
                    );
                }
            }
        }
    }

    #[test]
    fn a_pipeline_does_not_follow_itself() {
        let own = serde_json::from_value(json!({"name": "after"})).unwrap();
        assert!(Pipeline::compile(own, &home()).is_err());
        let others = json!({"name": "after", "application": "bank"});
        assert!(Pipeline::compile(serde_json::from_value(others).unwrap(), &home()).is_ok());
    }
}
