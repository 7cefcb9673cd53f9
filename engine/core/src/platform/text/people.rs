//! What can be said of people in `gennaker.yaml`.

use super::{GlobText, anything};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PeopleText {
    pub(crate) users: BTreeMap<String, UserText>,
    /// Names of users, by group.
    pub(crate) groups: BTreeMap<String, Vec<String>>,
}

/// By which names a person is known elsewhere.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct UserText {
    pub(crate) email: Option<String>,
    pub(crate) slack: Option<String>,
    /// The login name on the engine's machine.
    pub(crate) unix: Option<String>,
    pub(crate) github: Option<String>,
    pub(crate) git_emails: Vec<String>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RoleText {
    pub(crate) role: RoleWord,
    /// `user:NAME` and `group:NAME`.
    #[schemars(length(min = 1), inner(regex(pattern = "^(user|group):.+$")))]
    pub(crate) to: Vec<String>,
    #[serde(default = "anything")]
    #[schemars(with = "Vec<GlobText>", length(min = 1))]
    pub(crate) environments: Vec<String>,
    #[serde(default = "anything")]
    #[schemars(with = "Vec<GlobText>", length(min = 1))]
    pub(crate) applications: Vec<String>,
}

/// What a role lets people do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RoleWord {
    /// Start runs, and say what is to become of them.
    Run,
    /// Answer approvals.
    Approve,
    /// Both.
    Admin,
}
