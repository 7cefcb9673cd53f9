//! The way to the cluster breaks while a run deploys, and comes back.

use crate::cluster::{Room, kubeconfig, web};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

/// A way to the API server that can be cut.
#[derive(Clone)]
pub(crate) struct Way(Arc<Mutex<State>>);

struct State {
    server: String,
    is_cut: bool,
    streams: Vec<TcpStream>,
}

impl Way {
    /// The way, and a kubeconfig that leads over it.
    pub(crate) fn open() -> (Way, String) {
        let direct = std::fs::read_to_string(kubeconfig()).unwrap();
        let (_, server) = direct.split_once("https://").unwrap();
        let server = server.split(['"', '\n', '/']).next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let detour = direct.replace(&server, &listener.local_addr().unwrap().to_string());
        let way = Way(Arc::new(Mutex::new(State { server, is_cut: false, streams: Vec::new() })));
        let own = way.clone();
        thread::spawn(move || {
            listener.incoming().map_while(Result::ok).for_each(|it| own.take(it))
        });
        (way, detour)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, from: TcpStream) {
        let mut state = self.state();
        if state.is_cut {
            return; // The stream is closed as it is dropped.
        }
        let Ok(to) = TcpStream::connect(&state.server) else { return };
        for (one, other) in [(&from, &to), (&to, &from)] {
            let (mut one, mut other) = (one.try_clone().unwrap(), other.try_clone().unwrap());
            thread::spawn(move || pass(&mut one, &mut other));
        }
        state.streams.extend([from, to]);
    }

    pub(crate) fn cut(&self) {
        let mut state = self.state();
        state.is_cut = true;
        for stream in state.streams.drain(..) {
            drop(stream.shutdown(Shutdown::Both));
        }
    }

    pub(crate) fn mend(&self) {
        self.state().is_cut = false;
    }
}

fn pass(from: &mut TcpStream, to: &mut TcpStream) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    drop(to.shutdown(Shutdown::Both));
}

#[test]
fn a_cluster_that_is_away_for_a_while_is_waited_for_and_the_deploy_goes_on() {
    let room = Room::new("outage");
    let (way, detour) = Way::open();
    let detour = room.write_as_it_is("detour.yaml", &detour);
    let maps: String = (0..20)
        .map(|n| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: map-{n}}}\n---\n"))
        .collect();
    room.write("k8s/maps.yaml", &maps);
    room.write("k8s/web.yaml", &web("nginx:1", 2));
    let file = room.write(
        "web.yaml",
        "version: 1\nname: web\nstages:\n  go: {environment: ENV, timeout: 60s, deploy: {manifests: [k8s/]}}\n",
    );
    let mut child = room
        .command(&["run", &file, "--watch", "--kubeconfig", &detour])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = Vec::new();
    for line in BufReader::new(child.stderr.as_mut().unwrap()).lines().map_while(Result::ok) {
        if line.contains("go: applying") {
            way.cut();
        }
        if line.contains("cannot be reached") {
            way.mend();
        }
        said.push(line);
    }
    assert_eq!(child.wait().unwrap().code(), Some(0), "{said:#?}");
    assert!(said.iter().any(|line| line.contains("cannot be reached")), "{said:#?}");
    assert_eq!(room.get(&["deployment", "web"])["status"]["readyReplicas"], 2);
    assert!(room.has("configmap/map-19"));
}
