//! Whether an answer is as its author expects it.

use super::{config::Config, exchange::Response};
use engine_core::{
    event::Evaluated,
    execution::Evaluation,
    stage::{Outputs, StepContext},
    template::Scope,
};
use serde_json::{Value, json};

/// JSON above this size, in bytes, is looked at and not handed on.
const JSON_LIMIT: usize = 30 * 1024;
/// Of a body with more values nothing is read.
const VALUES: usize = 50_000;
/// Of a body, in what is told of a bad answer.
const EXCERPT: usize = 200;

pub(super) enum Verdict {
    Good(Outputs),
    /// Not as expected; another try may be.
    NotYet(String),
    /// Another try cannot help.
    Over(String),
    /// Nothing was answered.
    NotTold(String),
}

/// What a condition came to.
enum Told {
    Holds,
    Fails(String),
    Broken(String),
}

/// A body as JSON; null if it is none, or too much of it.
fn json_of(body: &[u8]) -> Value {
    let values = body.iter().filter(|byte| **byte == b',').count();
    match values {
        0..VALUES => serde_json::from_slice(body).unwrap_or(Value::Null),
        _ => Value::Null,
    }
}

pub(super) async fn judge(context: &StepContext, config: &Config, response: Response) -> Verdict {
    let status = response.status.as_u16();
    let json = json_of(&response.body);
    let mut scope = Scope::new();
    scope.insert("status".to_owned(), status.into());
    scope.insert("json".to_owned(), json.clone());
    let conditions = Conditions { context, scope };
    let poll = config.poll.as_ref();
    if let Some(source) = poll.and_then(|poll| poll.fail_when.as_ref()) {
        match conditions.told("failWhen", source).await {
            Told::Fails(_) => {}
            Told::Holds => return Verdict::Over(format!("`failWhen: {source}` holds")),
            Told::Broken(why) => return Verdict::Over(why),
        }
    }
    if !is_expected(config, status) {
        return Verdict::NotYet(unexpected(config, &response));
    }
    let asked = [
        ("assert", config.expect.assert.as_ref()),
        ("successWhen", poll.and_then(|poll| poll.success_when.as_ref())),
    ];
    for (key, source) in asked {
        let Some(source) = source else { continue };
        match conditions.told(key, source).await {
            Told::Holds => {}
            Told::Fails(why) => return Verdict::NotYet(why),
            Told::Broken(why) => return Verdict::Over(why),
        }
    }
    Verdict::Good(outputs(status, json))
}

fn is_expected(config: &Config, status: u16) -> bool {
    match &config.expect.status {
        Some(good) => good.contains(&status),
        None => (200..300).contains(&status),
    }
}

fn unexpected(config: &Config, response: &Response) -> String {
    let text = String::from_utf8_lossy(&response.body);
    let line: String = text.trim().chars().take_while(|letter| !letter.is_control()).collect();
    let excerpt: String = line.chars().take(EXCERPT).collect();
    let answered = format!("{} answered {}", config.words(), response.status);
    if excerpt.is_empty() { answered } else { format!("{answered}: {excerpt}") }
}

/// What cannot be handed on whole is not handed on: who reads it fails, and the request is not
/// taken for one that failed.
fn outputs(status: u16, json: Value) -> Outputs {
    let mut outputs = Outputs::from_iter([("status".to_owned(), json!(status))]);
    if !json.is_null() && json.to_string().len() <= JSON_LIMIT {
        outputs.insert("json".to_owned(), json);
    }
    outputs
}

struct Conditions<'a> {
    context: &'a StepContext,
    scope: Scope,
}

impl Conditions<'_> {
    async fn told(&self, key: &str, source: &str) -> Told {
        let evaluation = Evaluation::condition(key, source, self.scope.clone());
        match self.context.services.evaluate(evaluation).await {
            Evaluated::Holds => Told::Holds,
            Evaluated::Skips { because } => Told::Fails(because),
            Evaluated::Broken(why) => Told::Broken(why),
            Evaluated::Bound(_) => Told::Broken(format!("`{key}` came to no yes or no")),
        }
    }
}
