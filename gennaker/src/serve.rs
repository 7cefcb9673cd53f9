//! `serve`: an engine that stays, until it is told to leave.

use crate::{arguments::Common, clusters, exit::Exit, screen, state};
use std::net::SocketAddr;
use tokio::signal::unix::{SignalKind, signal};

pub(crate) async fn serve(common: &Common, listen: Option<SocketAddr>) -> anyhow::Result<Exit> {
    let mut terminated = signal(SignalKind::terminate())?;
    let asked = signal(SignalKind::hangup())?;
    let reach = clusters::reach(common).await?;
    if let Some(reason) = reach.missing() {
        screen::say(&format!("stages that act on a cluster will wait: {reason}"));
    }
    let listen = listen.or_else(|| reach.found.platform.listen());
    let hosted = state::serve(common, reach, (listen, state::Stay::Long)).await?;
    if let Some(doors) = &hosted.doors {
        if let Some(address) = doors.address() {
            screen::say(&format!("for reading: http://{address}"));
        }
        screen::say(&format!("listening on {}", doors.socket().display()));
    }
    let failed = tokio::select! {
        error = hosted.engine.failed() => Some(error),
        signal = tokio::signal::ctrl_c() => { signal?; None }
        _ = terminated.recv() => None,
        ended = hosted.in_force.follow((common, &*hosted.engine), asked) => match ended? {},
    };
    match failed {
        Some(error) => Err(error.into()),
        None => {
            screen::say("leaving: steps under way come to a point to go on from");
            hosted.leave().await?;
            Ok(Exit::Success)
        }
    }
}
