//! What nodes of one process say to each other: a backplane that hands messages over, and loses some when it is told to.

use std::sync::{
    Arc, Mutex, OnceLock,
    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use async_trait::async_trait;
use tokio::sync::{mpsc, watch};

use crate::server::{
    cluster::backplane::{Allowance, Backplane, Hear, Unreachable},
    config::Rate,
};

/// Which of the messages arrive, by their number.
pub(super) type LetsThrough = fn(usize) -> bool;

/// The place where all messages pass.
pub(super) struct Exchange {
    wires: Mutex<Vec<Arc<Wire>>>,
    count: AtomicUsize,
    lets_through: LetsThrough,
}

/// One node's end.
pub(super) struct Wire {
    name: String,
    exchange: Arc<Exchange>,
    ears: OnceLock<Arc<dyn Hear>>,
    arriving: mpsc::UnboundedSender<Message>,
    is_listening: AtomicBool,
    link: watch::Sender<bool>,
}

/// Whose it is, the line, and what is said; without a text the line is heard from now on.
type Message = (String, String, Option<String>);

impl Exchange {
    pub(super) fn new(lets_through: LetsThrough) -> Arc<Self> {
        Arc::new(Self { wires: Mutex::default(), count: AtomicUsize::new(0), lets_through })
    }

    /// Connects one more node.
    pub(super) fn connect(self: &Arc<Self>) -> Arc<Wire> {
        let (arriving, mut inbox) = mpsc::unbounded_channel::<Message>();
        let mut wires = self.wires.lock().expect("whole");
        let wire = Arc::new(Wire {
            name: format!("node {}", wires.len()),
            exchange: self.clone(),
            ears: OnceLock::new(),
            arriving,
            is_listening: AtomicBool::new(false),
            link: watch::Sender::new(true),
        });
        wires.push(wire.clone());
        let hearing = wire.clone();
        tokio::spawn(async move {
            while let Some((node, line, message)) = inbox.recv().await {
                let Some(ears) = hearing.ears.get() else { continue };
                match message {
                    Some(message) => ears.hear(&line, &node, &message),
                    None => ears.listening(&line),
                }
            }
        });
        wire
    }
}

#[async_trait]
impl Backplane for Wire {
    fn node(&self) -> &str {
        &self.name
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn attach(&self, _installation: &str, ears: Arc<dyn Hear>) {
        assert!(self.ears.set(ears).is_ok(), "once");
    }

    fn tell(&self, line: &str, message: String) {
        for wire in self.exchange.wires.lock().expect("whole").iter() {
            let is_other = wire.name != self.name && wire.is_listening.load(SeqCst);
            if is_other && (self.exchange.lets_through)(self.exchange.count.fetch_add(1, SeqCst)) {
                drop(wire.arriving.send((self.name.clone(), line.to_owned(), Some(message.clone()))));
            }
        }
    }

    fn listen(&self, line: &str) {
        self.is_listening.store(true, SeqCst);
        drop(self.arriving.send((self.name.clone(), line.to_owned(), None)));
    }

    fn unlisten(&self, _: &str) {
        self.is_listening.store(false, SeqCst);
    }

    async fn allow(&self, _: &str, _: Rate) -> Result<Allowance, Unreachable> {
        Ok(Allowance::Taken)
    }

    fn link(&self) -> watch::Receiver<bool> {
        self.link.subscribe()
    }

    async fn close(&self) {}
}
