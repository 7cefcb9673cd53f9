//! `deliveries replay`: an earlier delivery looked at again, under the name of whoever asks.

use crate::{
    arguments::{Common, Output},
    client,
    exit::Exit,
    print::print,
    screen,
    source::Source,
};
use anyhow::{Context, bail};
use serde_json::json;
use std::time::{Duration, Instant};

/// How often is looked whether it is decided, and how long unless somebody stays.
const LOOK: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn replay(
    common: &Common,
    id: u64,
    (is_watched, output): (bool, Output),
) -> anyhow::Result<Exit> {
    let Some(client) = client::engine(common).await? else {
        bail!("no engine listens that could look at it again: start one with `gennaker serve`");
    };
    let path = format!("/api/v1/deliveries/{id}/replay");
    let answer = client.post(&path, &json!({})).await?.done()?;
    let again = answer["delivery"].as_u64().context("the engine's answer has no id")?;
    screen::say(&format!("recorded as delivery {again}"));
    let source = Source::of(common, client)?;
    let begun = Instant::now();
    let whole = loop {
        let whole = source.delivery(again).await?;
        let is_over = !is_watched && begun.elapsed() > PATIENCE;
        if whole.delivery.decided_at.is_some() || is_over {
            break whole;
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            left = tokio::signal::ctrl_c() => {
                left?;
                return Ok(Exit::Interrupted);
            }
        }
    };
    print(output, &whole)?;
    Ok(Exit::Success)
}
