//! Whether the pipeline of a run that waits to begin is still where it came from.

use super::Places;
use crate::sources::{Folder, Standing};
use engine_core::{catalogue, plan::Origin, platform::Leave};
use engine_runtime::inbox::{Grounds, Listing, Pinned, Stands};
use std::sync::Arc;

/// As many digits of a commit as people look at.
const DIGITS: usize = 10;

impl Places {
    pub(super) async fn standing(&self, pinned: &Pinned) -> Stands {
        match &pinned.origin {
            Some(origin) => self.in_repository(pinned, origin).await,
            None => self.in_folder(pinned),
        }
    }

    async fn in_repository(&self, pinned: &Pinned, origin: &Origin) -> Stands {
        let sources = self.sources.now();
        let Some(repository) = sources.repository(&[origin.repository.as_str()]) else {
            let because = format!("{} is no source in gennaker.yaml any more", origin.repository);
            return Stands::Gone { because };
        };
        let (name, application) = (repository.name(), &pinned.application);
        if !repository.source().owns(application) {
            let because = format!("application {application} belongs to {name} no more");
            return Stands::Gone { because };
        }
        let branch = match origin.reference.strip_prefix("refs/") {
            None => origin.reference.as_str(),
            Some(rest) => match rest.strip_prefix("heads/") {
                Some(branch) => branch,
                // What a tag names stays there.
                None => return Stands::Yes,
            },
        };
        if repository.source().branch(branch) == Leave::Refused {
            return Stands::Yes;
        }
        match repository.standing(branch, &pinned.path).await {
            Ok(Standing::There) => Stands::Yes,
            Ok(Standing::Removed { by }) => {
                let by = by.as_str().get(..DIGITS).unwrap_or_default().to_owned();
                Stands::Gone { because: self.words(pinned, name, &format!(" by commit {by}")) }
            }
            Err(error) => {
                tracing::warn!(repository = repository.key(), %error, "it is not told what is gone");
                Stands::Yes
            }
        }
    }

    fn in_folder(&self, pinned: &Pinned) -> Stands {
        if self.listing() == Listing::Partial {
            return Stands::Yes;
        }
        let shelf = self.shelf.read();
        let is_it = |it: &catalogue::Entry| it.path == pinned.path;
        let sources = self.sources.now();
        // Which of them it was is known of all but the oldest runs.
        let may_be =
            |it: &&Arc<Folder>| pinned.folder.as_ref().is_none_or(|folder| **it.name() == **folder);
        let mut folders = sources.folders.iter().filter(may_be);
        match folders.any(|folder| shelf.of_source(folder.name()).iter().any(is_it)) {
            true => Stands::Yes,
            false => Stands::Gone { because: self.words(pinned, "", "") },
        }
    }

    /// Of a pipeline that is elsewhere in its source now, where.
    fn words(&self, pinned: &Pinned, source: &str, by: &str) -> String {
        let shelf = self.shelf.read();
        let mut named = shelf.find(&pinned.application, &pinned.pipeline);
        let now = named.find(|it| &*it.source == source || source.is_empty());
        match now.filter(|it| it.path != pinned.path) {
            Some(now) => format!("its file {} was renamed to {}{by}", pinned.path, now.path),
            None => format!("its file {} was removed{by}", pinned.path),
        }
    }
}
