//! `image`: an image was pushed.

mod poll;
mod tags;

use artifacts::{
    Repository,
    registry::{Platform, TagFilter},
};
use engine_core::{
    expression::Kind,
    files::Step,
    happening::{self, Confirmation, Happening, Platforms},
    stage::{Fault, FaultCode},
    trigger::{
        Because, Commit, Home, IndexKey, Meaning, Trigger, TriggerEvent, Verdict, Warning,
        WarningCode,
    },
};
pub use poll::{ImagePoller, confirm};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tags::TagsText;
pub(crate) use tags::place;

pub struct Image;

/// An image was pushed, or a tag stands for another one. The registry itself is asked before anything
/// starts, and its digest is what a run deploys.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ImageTrigger {
    /// Where it is pushed to, without a tag.
    #[schemars(example = &"registry.example.com/shop/checkout")]
    repository: String,
    /// Which tags; any, if it is not said.
    #[serde(default)]
    #[schemars(example = json!({"semver": ">=1"}))]
    tags: Option<TagsText>,
    /// Only images that run on it.
    #[serde(default)]
    #[schemars(example = &"linux/amd64")]
    platform: Option<String>,
}

/// What it looks at, and its filters.
pub struct Matcher {
    repository: String,
    tags: TagFilter,
    platform: Option<Platform>,
    warning: Option<String>,
}

impl Trigger for Image {
    const TYPE: &'static str = "image";
    const FIELDS: &'static [(&'static str, Kind)] =
        &[("image", Kind::Text), ("tag", Kind::Text), ("digest", Kind::Text)];
    type Config = ImageTrigger;
    type Matcher = Matcher;

    fn compile(config: ImageTrigger, _home: &Home) -> Result<Matcher, Vec<Fault>> {
        let warning = tags::warning(config.tags.as_ref());
        let repository = place(&config.repository)
            .map_err(|reason| fault("repository", (FaultCode::Value, reason)));
        let tags = config.tags.map_or(Ok(TagFilter::Any), |text| text.filter());
        let platform = config.platform.map(|text| Platform::parse(&text)).transpose();
        let platform =
            platform.map_err(|error| fault("platform", (FaultCode::Value, error.to_string())));
        match (repository, tags, platform) {
            (Ok(repository), Ok(tags), Ok(platform)) => {
                Ok(Matcher { repository, tags, platform, warning })
            }
            (repository, tags, platform) => {
                let faults = [repository.err(), tags.err(), platform.err()];
                Err(faults.into_iter().flatten().collect())
            }
        }
    }

    fn warnings(matcher: &Matcher) -> Vec<Warning> {
        let warning = |message: &String| Warning {
            code: WarningCode::AnyImage,
            message: message.clone(),
            help: "say which tags: `tags: {semver: \">=1\"}`".to_owned(),
        };
        matcher.warning.iter().map(warning).collect()
    }

    fn keys(matcher: &Matcher) -> Vec<IndexKey> {
        vec![IndexKey::Image { repository: matcher.repository.clone() }]
    }

    fn accept(matcher: &Matcher, happening: &Happening) -> Verdict {
        let Happening::Image(image) = happening else {
            return Verdict::No(because("type", Image::TYPE.to_owned()));
        };
        match judged(matcher, image) {
            Ok((tag, digest)) => Verdict::Start(event(image, tag, digest)),
            Err(because) => Verdict::No(because),
        }
    }
}

/// Its tag and digest, if it is what is waited for.
fn judged<'a>(
    matcher: &Matcher,
    image: &'a happening::Image,
) -> Result<(&'a str, &'a str), Because> {
    let tag = image
        .tag
        .as_deref()
        .ok_or_else(|| because("tags", format!("{} was pushed without a tag", image.repository)))?;
    if !matcher.tags.matches(tag) {
        return Err(because("tags", tag.to_owned()));
    }
    let digest = match (image.confirmation, &image.digest) {
        (Confirmation::Yes, Some(digest)) => digest,
        (Confirmation::Yes | Confirmation::No, _) => {
            let value = format!("{}:{tag} was not confirmed", image.repository);
            return Err(because("registry", value));
        }
    };
    if image.platforms == Platforms::Those(Vec::new()) {
        let value = format!("{}:{tag} is kept as an image and runs on nothing", image.repository);
        return Err(because("registry", value));
    }
    if let Some(platform) = &matcher.platform {
        runs_on(platform, &image.platforms)?;
    }
    Ok((tag, digest))
}

fn runs_on(wanted: &Platform, platforms: &Platforms) -> Result<(), Because> {
    let Platforms::Those(those) = platforms else {
        return Err(because("platform", "nobody has looked what it runs on".to_owned()));
    };
    let serves = |text: &String| Platform::parse(text).is_ok_and(|has| has.serves(wanted));
    match those.iter().any(serves) {
        true => Ok(()),
        false => Err(because("platform", those.join(", "))),
    }
}

fn because(filter: &str, value: String) -> Because {
    Because { filter: filter.to_owned(), value }
}

fn event(image: &happening::Image, tag: &str, digest: &str) -> TriggerEvent {
    let subject = format!("{}:{tag}", image.repository);
    let whole = format!("{subject}@{digest}");
    let fields = [("image", whole.as_str()), ("tag", tag), ("digest", digest)];
    let fields = fields.map(|(key, value)| (key.to_owned(), Value::from(value)));
    TriggerEvent {
        fields: Map::from_iter(fields),
        meaning: Meaning::Of { subject, value: digest.to_owned() },
        commit: Commit::Default,
        actor: None,
    }
}

pub(crate) fn fault(key: &str, (code, message): (FaultCode, String)) -> Fault {
    let help = match key {
        "repository" => Some("`registry.example.com/shop/checkout` names one, without a tag"),
        "semver" => Some("write it like `>=1.4, <2`"),
        _ => None,
    };
    let (place, help) = (vec![Step::Key(key.to_owned())], help.map(str::to_owned));
    Fault { code, place, message: format!("`{key}`: {message}"), help }
}

#[cfg(test)]
mod tests;
