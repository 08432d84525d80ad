//! Which transport to try: the best that works. A rung down after a failure that was not the server's, and up again
//! by a probe later. Pure; [`crate::client::connection`] asks it.

use crate::protocol::transport::Transport;

/// A transport that has worked before fails so often, with the server answering, until the next one is tried: a
/// server that is just starting looks the same for a moment.
const STRIKES_OF_PROVEN: u8 = 2;

/// The rungs, and the one we stand on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TransportFallback {
    order: Vec<Transport>,
    at: usize,
    has_worked: bool,
    failures: u8,
}

impl TransportFallback {
    /// Starts on `remembered` if that is one of the rungs, else at the top. `order` are best first, at least one.
    pub(crate) fn new(order: Vec<Transport>, remembered: Option<Transport>) -> Self {
        let at = remembered.and_then(|transport| order.iter().position(|rung| *rung == transport));
        Self { at: at.unwrap_or(0), order, has_worked: false, failures: 0 }
    }

    /// The transport to use.
    pub(crate) fn current(&self) -> Transport {
        self.order[self.at]
    }

    /// The transport that a probe may try.
    pub(crate) fn above(&self) -> Option<Transport> {
        self.at.checked_sub(1).map(|above| self.order[above])
    }

    /// The current transport brought something.
    pub(crate) fn worked(&mut self) {
        self.has_worked = true;
    }

    /// The current transport goes on bringing something.
    pub(crate) fn steady(&mut self) {
        self.failures = 0;
    }

    /// The current transport brought nothing, or nothing more, although the server answers. True: there is another one to try now.
    pub(crate) fn failed(&mut self) -> bool {
        self.failures += 1;
        if self.failures < if self.has_worked { STRIKES_OF_PROVEN } else { 1 } {
            return false;
        }
        // Below the last one it begins anew: something is wrong that no transport mends, and it may pass.
        let is_last = self.at + 1 == self.order.len();
        self.at = if is_last { 0 } else { self.at + 1 };
        (self.has_worked, self.failures) = (false, 0);
        !is_last
    }

    /// The network may be another one: what is known of it is void.
    pub(crate) fn restart(&mut self) {
        (self.at, self.has_worked, self.failures) = (0, false, 0);
    }

    /// A probe of the rung above has worked.
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
    fn what_never_worked_is_left_at_once_and_what_worked_gets_a_second_chance() {
        let mut fallback = fallback();
        assert!(fallback.failed());
        assert_eq!(fallback.current(), Stream);
        fallback.worked();
        assert!(!fallback.failed());
        assert_eq!(fallback.current(), Stream);
        assert!(fallback.failed());
        assert_eq!(fallback.current(), Poll);
    }

    #[test]
    fn what_falls_silent_again_and_again_is_left_unless_it_was_steady_between() {
        let mut fallback = fallback();
        for _ in 0..5 {
            fallback.worked();
            assert!(!fallback.failed());
            fallback.worked();
            fallback.steady();
        }
        fallback.worked();
        assert!(!fallback.failed());
        fallback.worked();
        assert!(fallback.failed());
        assert_eq!(fallback.current(), Stream);
    }

    #[test]
    fn below_the_last_rung_it_begins_anew_and_not_in_a_rush() {
        let mut fallback = fallback();
        assert!(fallback.failed() && fallback.failed());
        assert!(!fallback.failed(), "with a pause");
        assert_eq!(fallback.current(), Socket);
    }

    #[test]
    fn it_climbs_one_rung_at_a_time() {
        let mut fallback = TransportFallback::new(Transport::ALL.to_vec(), Some(Poll));
        assert_eq!((fallback.current(), fallback.above()), (Poll, Some(Stream)));
        fallback.upgrade();
        assert_eq!((fallback.current(), fallback.above()), (Stream, Some(Socket)));
        fallback.upgrade();
        assert_eq!((fallback.current(), fallback.above()), (Socket, None));
    }

    #[test]
    fn in_another_network_it_begins_anew() {
        let mut fallback = TransportFallback::new(Transport::ALL.to_vec(), Some(Poll));
        fallback.restart();
        assert_eq!(fallback.current(), Socket);
    }

    #[test]
    fn a_forced_rung_is_the_only_one() {
        let mut fallback = TransportFallback::new(vec![Poll], Some(Socket));
        assert!(!fallback.failed());
        assert_eq!((fallback.current(), fallback.above()), (Poll, None));
    }
}
