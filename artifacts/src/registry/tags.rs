//! Which tags a repository has: page by page, and not at all while nothing changed.

use super::{Registries, RegistryError, answer::Answer, host::Call};
use crate::reference::{self, Repository};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Method,
    header::{ETAG, HeaderName, LAST_MODIFIED, LINK},
};
use serde::{Deserialize, Serialize};

/// Tags that a page is asked for; some registries answer with all at once.
const PAGE: usize = 1_000;
const PAGE_BYTES: usize = 16 * 1024 * 1024;

/// What the registry said about a list, with which it can be asked whether it changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Validators {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

/// Where in a list to begin.
#[derive(Clone, Copy, Debug)]
pub enum TagsFrom<'a> {
    Start,
    /// The start, unless the list is as it was.
    Changed(&'a Validators),
    /// Behind a tag, in the order of the registry.
    After(&'a str),
    Page(&'a PageCursor),
}

/// The place of a page, as the registry tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageCursor(String);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listing {
    Unchanged,
    Page(TagPage),
}

/// Some of the tags of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagPage {
    pub tags: Vec<String>,
    pub next: Option<PageCursor>,
    /// Of this page alone: they say nothing of a list that has more.
    pub validators: Option<Validators>,
}

#[derive(Deserialize)]
struct Written {
    /// Some registries say `null` where there is none.
    tags: Option<Vec<String>>,
}

impl Registries {
    /// One page of the tags of a repository. What is no tag by the grammar is left out.
    pub async fn tags(
        &self,
        repository: &Repository,
        from: TagsFrom<'_>,
    ) -> Result<Listing, RegistryError> {
        let host = self.host_of(repository)?;
        let path = repository.normal().path;
        let what = format!("list of tags of {repository}");
        let start = format!("v2/{path}/tags/list?n={PAGE}");
        let (url, known) = match from {
            TagsFrom::Start => (start, None),
            TagsFrom::Changed(validators) => (start, Some(validators)),
            TagsFrom::After(tag) => {
                (format!("{start}&last={}", utf8_percent_encode(tag, NON_ALPHANUMERIC)), None)
            }
            TagsFrom::Page(PageCursor(page)) => (page.clone(), None),
        };
        let call = Call {
            method: Method::GET,
            path: &url,
            what: &what,
            repository: &path,
            accept: "application/json",
            limit: PAGE_BYTES,
            known,
        };
        let answer = host.ask(&call).await?;
        if answer.status.as_u16() == 304 {
            return Ok(Listing::Unchanged);
        }
        let next = next(&answer).map(|link| host.below(&link)).transpose()?;
        if next.as_ref() == Some(&url) {
            return Err(host.refused("its list of tags goes round in a ring"));
        }
        let written: Written = serde_json::from_slice(&answer.body)
            .map_err(|error| host.refused(format!("its list of tags is not one: {error}")))?;
        let mut tags = written.tags.unwrap_or_default();
        tags.retain(|tag| reference::tag(tag).is_ok());
        let validators = validators(&answer);
        Ok(Listing::Page(TagPage { tags, next: next.map(PageCursor), validators }))
    }
}

pub(super) fn validators(answer: &Answer) -> Option<Validators> {
    let text = |name: HeaderName| Some(answer.headers.get(name)?.to_str().ok()?.to_owned());
    let told = Validators { etag: text(ETAG), last_modified: text(LAST_MODIFIED) };
    (told != Validators::default()).then_some(told)
}

/// The target of `Link: <…>; rel="next"`.
fn next(answer: &Answer) -> Option<String> {
    let texts = answer.headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(", <")).find_map(link)
}

fn link(text: &str) -> Option<String> {
    let (target, parameters) = text.trim().trim_start_matches('<').split_once('>')?;
    let is_next = parameters.split(';').any(|it| {
        let it = it.trim().to_ascii_lowercase();
        it == "rel=next" || it == "rel=\"next\""
    });
    is_next.then(|| target.to_owned())
}

#[cfg(test)]
mod tests {
    use super::link;

    #[test]
    fn the_next_page_is_told_by_its_relation() {
        for (text, expected) in [
            ("</v2/a/tags/list?last=b&n=2>; rel=\"next\"", Some("/v2/a/tags/list?last=b&n=2")),
            ("<https://r/v2/x>;title=\"y\"; REL=next", Some("https://r/v2/x")),
            ("</v2/a>; rel=\"prev\"", None),
            ("</v2/a>", None),
            ("nonsense", None),
        ] {
            assert_eq!(link(text).as_deref(), expected, "{text}");
        }
    }
}
