//! The choice of a transport: the best one that works. A failure that was not the server's moves to the next worse one,
//! a probe later back up. Pure state; [`crate::client::connection`] drives it.

use crate::protocol::transport::Transport;

/// Failures of a transport, with the server answering, until the next one is tried: a server that is just starting, or
/// a proxy that fails once, looks the same for a moment.
const FAILURES: u8 = 2;

/// The transports in order, and the one in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TransportFallback {
    order: Vec<Transport>,
    at: usize,
    has_worked: bool,
    failures: u8,
}

impl TransportFallback {
    /// Starts with `remembered` if it is in `order`, else with the best. `order` has at least one, best first.
    pub(crate) fn new(order: Vec<Transport>, remembered: Option<Transport>) -> Self {
        let at = remembered.and_then(|transport| order.iter().position(|known| *known == transport));
        Self { at: at.unwrap_or(0), order, has_worked: false, failures: 0 }
    }

    /// The transport to use.
    pub(crate) fn current(&self) -> Transport {
        self.order[self.at]
    }

    /// The transport that a probe may try. `None`: the best one is in use.
    pub(crate) fn next_better(&self) -> Option<Transport> {
        self.at.checked_sub(1).map(|better| self.order[better])
    }

    /// The current transport brought something.
    pub(crate) fn worked(&mut self) {
        self.has_worked = true;
    }

    /// The current transport has stayed up.
    pub(crate) fn stayed_up(&mut self) {
        self.failures = 0;
    }

    /// The current transport brought nothing, or nothing more, although the server answers. Returns true if another one
    /// is to be tried now.
    pub(crate) fn failed(&mut self) -> bool {
        self.failures += 1;
        // Proxies that block sockets are common, and a stream is nearly as good, so an unproven socket has one chance.
        let is_blocked = self.current() == Transport::Socket && !self.has_worked;
        if self.failures < FAILURES && !is_blocked {
            return false;
        }
        // After the last one it starts over: the fault is none that another transport avoids, and it may pass.
        let is_last = self.at + 1 == self.order.len();
        self.at = if is_last { 0 } else { self.at + 1 };
        (self.has_worked, self.failures) = (false, 0);
        !is_last
    }

    /// The network may be another one: forgets what worked.
    pub(crate) fn restart(&mut self) {
        (self.at, self.has_worked, self.failures) = (0, false, 0);
    }

    /// A probe of the next better transport has worked.
    pub(crate) fn upgrade(&mut self) {
        self.at = self.at.saturating_sub(1);
        (self.has_worked, self.failures) = (false, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Transport::{Poll, Socket, Stream};

    fn fallback() -> TransportFallback {
        TransportFallback::new(Transport::ALL.to_vec(), None)
    }

    #[test]
    fn an_unproven_socket_is_left_at_once_and_a_proven_one_gets_a_second_chance() {
        let mut blocked = fallback();
        assert!(blocked.failed());
        assert_eq!(blocked.current(), Stream);
        let mut fallback = TransportFallback::new(Transport::ALL.to_vec(), Some(Stream));
        fallback.worked();
        assert!(!fallback.failed());
        assert_eq!(fallback.current(), Stream);
        assert!(fallback.failed());
        assert_eq!(fallback.current(), Poll);
    }

    #[test]
    fn a_stream_that_fails_once_before_it_has_brought_anything_gets_a_second_chance() {
        let mut fallback = TransportFallback::new(Transport::ALL.to_vec(), Some(Stream));
        assert!(!fallback.failed());
        assert_eq!(fallback.current(), Stream);
        assert!(fallback.failed());
        assert_eq!(fallback.current(), Poll);
    }

    #[test]
    fn a_transport_that_keeps_falling_silent_is_left_unless_it_stayed_up_between() {
        let mut fallback = fallback();
        for _ in 0..5 {
            fallback.worked();
            assert!(!fallback.failed());
            fallback.worked();
            fallback.stayed_up();
        }
        fallback.worked();
        assert!(!fallback.failed());
        fallback.worked();
        assert!(fallback.failed());
        assert_eq!(fallback.current(), Stream);
    }

    #[test]
    fn after_the_last_transport_it_starts_over_with_a_pause() {
        let mut fallback = fallback();
        let tries: Vec<_> = (0..5).map(|_| (fallback.current(), fallback.failed())).collect();
        assert_eq!(tries, [(Socket, true), (Stream, false), (Stream, true), (Poll, false), (Poll, false)]);
        assert_eq!(fallback.current(), Socket, "with a pause");
    }

    #[test]
    fn an_upgrade_is_one_transport_at_a_time() {
        let mut fallback = TransportFallback::new(Transport::ALL.to_vec(), Some(Poll));
        assert_eq!((fallback.current(), fallback.next_better()), (Poll, Some(Stream)));
        fallback.upgrade();
        assert_eq!((fallback.current(), fallback.next_better()), (Stream, Some(Socket)));
        fallback.upgrade();
        assert_eq!((fallback.current(), fallback.next_better()), (Socket, None));
    }

    #[test]
    fn in_another_network_it_starts_over() {
        let mut fallback = TransportFallback::new(Transport::ALL.to_vec(), Some(Poll));
        fallback.restart();
        assert_eq!(fallback.current(), Socket);
    }

    #[test]
    fn a_forced_transport_is_the_only_one() {
        let mut fallback = TransportFallback::new(vec![Poll], Some(Socket));
        assert!(!fallback.failed());
        assert_eq!((fallback.current(), fallback.next_better()), (Poll, None));
    }
}
