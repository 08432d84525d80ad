//! A backplane between nodes of one process, which loses some of the messages on request.

use std::sync::{
    Arc, Mutex, OnceLock,
    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use async_trait::async_trait;
use tokio::sync::{mpsc, watch};

use crate::server::{
    cluster::backplane::{Allowance, Backplane, MessageHandler, Unreachable},
    config::Rate,
};

/// Returns true if the message with this number arrives.
pub(super) type LetsThrough = fn(usize) -> bool;

/// The hub through which all messages pass.
pub(super) struct Exchange {
    wires: Mutex<Vec<Arc<Wire>>>,
    count: AtomicUsize,
    lets_through: LetsThrough,
}

/// One node's end.
pub(super) struct Wire {
    name: String,
    exchange: Arc<Exchange>,
    handler: OnceLock<Arc<dyn MessageHandler>>,
    arriving: mpsc::UnboundedSender<Message>,
    is_listening: AtomicBool,
    connectivity: watch::Sender<bool>,
}

/// The sending node, the subject and the text; without a text it reports the subscription to the subject.
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
            handler: OnceLock::new(),
            arriving,
            is_listening: AtomicBool::new(false),
            connectivity: watch::Sender::new(true),
        });
        wires.push(wire.clone());
        let hearing = wire.clone();
        tokio::spawn(async move {
            while let Some((node, subject, message)) = inbox.recv().await {
                let Some(handler) = hearing.handler.get() else { continue };
                match message {
                    Some(message) => handler.on_message(&subject, &node, &message),
                    None => handler.on_subscribed(&subject),
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

    fn attach(&self, _installation: &str, handler: Arc<dyn MessageHandler>) {
        assert!(self.handler.set(handler).is_ok(), "once");
    }

    fn publish(&self, subject: &str, message: String) {
        for wire in self.exchange.wires.lock().expect("whole").iter() {
            let is_other = wire.name != self.name && wire.is_listening.load(SeqCst);
            if is_other && (self.exchange.lets_through)(self.exchange.count.fetch_add(1, SeqCst)) {
                drop(wire.arriving.send((self.name.clone(), subject.to_owned(), Some(message.clone()))));
            }
        }
    }

    fn subscribe(&self, subject: &str) {
        self.is_listening.store(true, SeqCst);
        drop(self.arriving.send((self.name.clone(), subject.to_owned(), None)));
    }

    fn unsubscribe(&self, _: &str) {
        self.is_listening.store(false, SeqCst);
    }

    async fn allow(&self, _: &str, _: Rate) -> Result<Allowance, Unreachable> {
        Ok(Allowance::Taken)
    }

    fn connectivity(&self) -> watch::Receiver<bool> {
        self.connectivity.subscribe()
    }

    async fn close(&self) {}
}
