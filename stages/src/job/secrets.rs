//! Hands a Job the secrets that its environment names: in a Secret that it owns, and that is there
//! before its program starts.

use super::{COMPONENT, Config};
use crate::site::{Site, Trouble};
use engine_core::stage::{StageError, StepContext};
use kubernetes::{ClusterError, Found, Live, Located, Location};
use serde_json::{Map, Value, json};

/// The present values, by the keys of the Secret.
pub(super) async fn reveal(context: &StepContext, config: &Config) -> Result<Value, StageError> {
    let mut values = Map::new();
    for (key, text) in config.secrets() {
        let value = context.reveal(text).await?;
        values.insert(key.to_owned(), json!(value.expose()));
    }
    Ok(Value::Object(values))
}

/// Lets a Job that was made without being started have its secrets, and starts it. May be repeated:
/// one that is started has had them.
pub(super) async fn hand_over(
    site: &Site<'_>,
    config: &Config,
    (location, job): (&Location, Live),
) -> Result<Live, Trouble> {
    if !job.is_suspended() {
        return Ok(job);
    }
    let values = reveal(site.context, config).await?;
    provide(site, &owned_by(&job, (&location.name, values))).await?;
    site.context.may_act()?;
    let start = json!({"spec": {"suspend": false}});
    Ok(site.cluster.amend(location, (job.uid(), start)).await?)
}

/// The Secret goes when its Job goes.
fn owned_by(job: &Live, (name, values): (&str, Value)) -> Value {
    let owner = json!({"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job.uid()});
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "ownerReferences": [owner]},
        "type": "Opaque",
        "immutable": true,
        "stringData": values,
    })
}

async fn provide(site: &Site<'_>, secret: &Value) -> Result<(), Trouble> {
    let Located::At(location) = site.cluster.locate(secret, &site.place.namespace).await? else {
        return Err(StageError::Failure("the cluster serves no Secret".to_owned()).into());
    };
    site.context.may_act()?;
    match site.cluster.create(&location, (secret, &site.marks(COMPONENT))).await {
        Ok(_) => Ok(()),
        Err(ClusterError::Changed(_)) => match site.cluster.read(&location).await? {
            Found::There(live) if live.is_written_by(&site.writer()) => Ok(()),
            Found::There(_) => Err(StageError::Failure(format!(
                "{location} is there already and is not of this attempt: delete it, and try again"
            ))
            .into()),
            Found::Absent => Err(Trouble::Away(format!("{location} came and went"))),
        },
        Err(error) => Err(error.into()),
    }
}
