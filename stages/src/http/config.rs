//! What an author says of a request, and what is wrong with it before it is sent.

use engine_core::{
    expression::{Use, look},
    files::Step,
    language::Duration,
    stage::{Fault, FaultCode, Part, SecretText, SecretValue},
};
use reqwest::{
    Url,
    header::{HeaderName, HeaderValue},
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Headers that belong to the connection and not to its author.
const OURS: [&str; 6] =
    ["connection", "content-length", "host", "idempotency-key", "transfer-encoding", "upgrade"];
/// What conditions see of a response.
const NAMES: [&str; 2] = ["status", "json"];

/// Sends a request to a server and judges its answer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Config {
    /// Where to, by `http` or `https`; redirects are not followed.
    #[schemars(example = &"https://shop.example.com/health")]
    pub url: String,
    /// How it is asked.
    #[serde(default)]
    #[schemars(extend("default" = "GET"), example = &"POST")]
    pub method: Method,
    /// What is sent beside the body, by name. `${{ secrets.NAME }}` may stand in the values.
    #[serde(default)]
    #[schemars(example = serde_json::json!({"Accept": "application/json"}))]
    pub headers: BTreeMap<String, SecretText>,
    /// Text as it is, anything else as JSON. `${{ secrets.NAME }}` may stand in its texts.
    #[serde(default)]
    #[schemars(example = serde_json::json!({"release": "v7"}))]
    pub body: Option<SecretValue>,
    /// What a good answer is.
    #[serde(default)]
    #[schemars(example = serde_json::json!({"status": [200], "assert": "json.ready"}))]
    pub expect: Expect,
    /// Asks again until the answer is as it should be.
    #[serde(default)]
    #[schemars(example = serde_json::json!({"every": "5s", "successWhen": "json.status == \"ok\""}))]
    pub poll: Option<Poll>,
    /// Whether the request may be sent again when nobody knows whether it arrived. `GET` and
    /// `HEAD` always may.
    #[serde(default)]
    #[schemars(example = true)]
    pub idempotent: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    #[default]
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

/// What a good answer is.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Expect {
    /// Any of these; without it, any from 200 to 299.
    #[schemars(length(min = 1), inner(range(min = 100, max = 599)), example = [200, 204])]
    pub status: Option<Vec<u16>>,
    /// CEL over `status` and `json`, such as `json.healthy == true`.
    #[schemars(example = &"json.healthy == true")]
    pub assert: Option<String>,
}

/// Asking again and again, within the stage's timeout.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Poll {
    /// How long to pause between two requests; at least `1s`.
    #[schemars(example = &"5s")]
    pub every: Duration,
    /// CEL over `status` and `json`; without it, an answer as `expect` has it.
    #[serde(default)]
    #[schemars(example = &"json.status == \"ok\"")]
    pub success_when: Option<String>,
    /// CEL over `status` and `json`: there is no use in asking again.
    #[serde(default)]
    #[schemars(example = &"json.status == \"broken\"")]
    pub fail_when: Option<String>,
}

impl Method {
    pub(super) fn word(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

impl Config {
    /// Whether it does no harm to send the request again.
    pub(super) fn may_repeat(&self) -> bool {
        match self.method {
            Method::Get | Method::Head => true,
            Method::Post | Method::Put | Method::Patch | Method::Delete => self.idempotent,
        }
    }

    /// The request as people read it; what follows the path may be secret.
    pub(super) fn words(&self) -> String {
        let shown = self.url.split(['?', '#']).next().unwrap_or_default();
        format!("`{} {shown}`", self.method.word())
    }

    /// The address, if it is one that may be asked.
    pub(super) fn address(&self) -> Result<Url, String> {
        let url = Url::parse(&self.url).map_err(|error| format!("this is no URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("only `http` and `https` are spoken".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("credentials do not belong into a URL: send a header".to_owned());
        }
        artifacts::addresses::check_literal(&url)?;
        Ok(url)
    }

    pub(super) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if let Err(message) = self.address() {
            faults.push(value(&["url"], message, None));
        }
        faults.extend(self.headers.iter().filter_map(|(name, text)| {
            let message = header_fault(name, text)?;
            Some(value(&["headers", name], message, None))
        }));
        if let Some(poll) = &self.poll {
            if !self.may_repeat() {
                let help = "say `idempotent: true` if that does no harm";
                let message = format!("`poll` sends {} again and again", self.method.word());
                faults.push(value(&["poll"], message, Some(help)));
            }
            if poll.every.get() < std::time::Duration::from_secs(1) {
                let message = "`every` must be at least 1s".to_owned();
                faults.push(value(&["poll", "every"], message, None));
            }
        }
        faults.extend(self.conditions().into_iter().filter_map(|(place, source)| {
            condition_fault(source).map(|(message, help)| Fault {
                code: FaultCode::Expression,
                place: keys(&place),
                message,
                help,
            })
        }));
        faults
    }

    fn conditions(&self) -> Vec<(Vec<&'static str>, &str)> {
        let poll = self.poll.as_ref();
        let all = [
            (vec!["expect", "assert"], self.expect.assert.as_deref()),
            (vec!["poll", "successWhen"], poll.and_then(|poll| poll.success_when.as_deref())),
            (vec!["poll", "failWhen"], poll.and_then(|poll| poll.fail_when.as_deref())),
        ];
        all.into_iter().filter_map(|(place, source)| Some((place, source?))).collect()
    }
}

fn keys(place: &[&str]) -> Vec<Step> {
    place.iter().map(|key| Step::Key((*key).to_owned())).collect()
}

fn value(place: &[&str], message: String, help: Option<&str>) -> Fault {
    Fault { code: FaultCode::Value, place: keys(place), message, help: help.map(str::to_owned) }
}

fn header_fault(name: &str, text: &SecretText) -> Option<String> {
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Some(format!("`{name}` is no name of a header"));
    }
    if OURS.contains(&name.to_ascii_lowercase().as_str()) {
        return Some(format!("`{name}` is set by the engine"));
    }
    let is_sendable = |part: &Part| match part {
        Part::Text(text) => HeaderValue::from_str(text).is_ok(),
        // What it holds is known to the step.
        Part::Secret(_) => true,
    };
    let is_sent = text.parts().iter().all(is_sendable);
    (!is_sent).then(|| format!("the value of `{name}` is no header's"))
}

fn condition_fault(source: &str) -> Option<(String, Option<String>)> {
    let looked = match look(source, Use::Condition) {
        Ok(looked) => looked,
        Err(fault) => return Some((fault.message, fault.help)),
    };
    let unknown = looked.reads.iter().find(|read| !NAMES.contains(&read.path[0].as_str()))?;
    let help = "it sees the response: `status`, and its body as `json`".to_owned();
    Some((format!("`{}` is not known here", unknown.path[0]), Some(help)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn faults(config: Value) -> Vec<String> {
        let config: Config = serde_json::from_value(config).unwrap();
        let told = |fault: Fault| format!("{:?} {}", fault.code, fault.message);
        config.faults().into_iter().map(told).collect()
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn what_cannot_be_sent_is_told_before_it_is_sent() {
        let table = [
            (json!({"url": "ftp://x/"}), "Value only `http` and `https` are spoken"),
            (json!({"url": "x"}), "Value this is no URL: relative URL without a base"),
            (
                json!({"url": "http://me:pw@x/"}),
                "Value credentials do not belong into a URL: send a header",
            ),
            (
                json!({"url": "http://169.254.169.254/"}),
                "Value this address hands out credentials and is never asked",
            ),
            (
                json!({"url": "http://x/", "headers": {"Host": "y"}}),
                "Value `Host` is set by the engine",
            ),
            (
                json!({"url": "http://x/", "headers": {"a b": "y"}}),
                "Value `a b` is no name of a header",
            ),
            (
                json!({"url": "http://x/", "headers": {"a": "y\nz"}}),
                "Value the value of `a` is no header's",
            ),
            (
                json!({"url": "http://x/", "method": "POST", "poll": {"every": "2s"}}),
                "Value `poll` sends POST again and again",
            ),
            (
                json!({"url": "http://x/", "poll": {"every": "0s"}}),
                "Value `every` must be at least 1s",
            ),
            (
                json!({"url": "http://x/", "expect": {"assert": "body == 1"}}),
                "Expression `body` is not known here",
            ),
            (
                json!({"url": "http://x/", "expect": {"assert": "status +"}}),
                "Expression the expression does not compile: it ends too early",
            ),
        ];
        for (config, expected) in table {
            assert_eq!(faults(config.clone()), [expected], "{config}");
        }
        assert_eq!(
            faults(
                json!({"url": "http://x/", "method": "PUT", "idempotent": true, "poll": {"every": "1s"}})
            ),
            [""; 0]
        );
    }
}
