//! By what a happening finds the triggers to which it may mean something.

use crate::happening::Happening;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A happening has one; triggers are listed under those that they look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum IndexKey {
    Git { repository: String },
    Image { repository: String },
    Chart { repository: String, name: String },
    Hook { application: String, name: String },
    Time { application: String, pipeline: String, trigger: u32 },
    Ended { application: String, pipeline: String },
}

impl IndexKey {
    /// Those of a happening: a repository is known by each of its addresses.
    pub fn all_of(happening: &Happening) -> Vec<IndexKey> {
        let aliases = match happening {
            Happening::Git(git) => git.aliases.as_slice(),
            Happening::Image(_)
            | Happening::Chart(_)
            | Happening::Hook(_)
            | Happening::Time(_)
            | Happening::Ended(_) => &[],
        };
        let alias = |repository: &String| IndexKey::Git { repository: repository.clone() };
        let mut keys = vec![IndexKey::of(happening)];
        keys.extend(aliases.iter().map(alias));
        keys.dedup();
        keys
    }

    /// The one under which what happens there is put in order.
    pub fn of(happening: &Happening) -> IndexKey {
        match happening {
            Happening::Git(git) => IndexKey::Git { repository: git.repository.clone() },
            Happening::Image(image) => IndexKey::Image { repository: image.repository.clone() },
            Happening::Chart(chart) => {
                let (repository, name) = (chart.repository.clone(), chart.name.clone());
                IndexKey::Chart { repository, name }
            }
            Happening::Hook(hook) => {
                let (application, name) = (hook.application.clone(), hook.name.clone());
                IndexKey::Hook { application, name }
            }
            Happening::Time(time) => IndexKey::Time {
                application: time.application.clone(),
                pipeline: time.pipeline.clone(),
                trigger: time.trigger,
            },
            Happening::Ended(ended) => {
                let (application, pipeline) = (ended.application.clone(), ended.pipeline.clone());
                IndexKey::Ended { application, pipeline }
            }
        }
    }
}

impl fmt::Display for IndexKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IndexKey::Git { repository } => write!(formatter, "git:{repository}"),
            IndexKey::Image { repository } => write!(formatter, "image:{repository}"),
            IndexKey::Chart { repository, name } => write!(formatter, "chart:{repository}/{name}"),
            IndexKey::Hook { application, name } => write!(formatter, "hook:{application}/{name}"),
            IndexKey::Time { application, pipeline, trigger } => {
                write!(formatter, "time:{application}/{pipeline}/{trigger}")
            }
            IndexKey::Ended { application, pipeline } => {
                write!(formatter, "ended:{application}/{pipeline}")
            }
        }
    }
}
