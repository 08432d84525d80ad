//! Property tests with hostile input for everything that notifications parse: addresses of push services, keys, quiet hours,
//! and texts that become a push. `protocol/properties.rs` says how many cases run.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::{collection::vec, prelude::*, sample, sample::select};

use super::{
    encryption::encrypt,
    payload::{Payload, Reason},
    quiet::QuietHours,
};
use crate::{
    app::i18n::Language,
    protocol::{name::RoomId, properties::text},
    server::{
        chat::{PushedMessage, QueuedPush},
        outgoing::endpoint::Endpoint,
    },
};

/// One of these texts, with another one put into it somewhere.
fn damaged(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    (select(texts), any::<sample::Index>(), "[ -~\\PC]{0,3}").prop_map(|(text, at, inserted)| {
        let at = at.index(text.len() + 1);
        format!("{}{inserted}{}", &text[..at], &text[at..])
    })
}

/// An address of this machine or its networks, as a URL may write it.
fn inner_host() -> impl Strategy<Value = String> {
    let v4 = prop_oneof![
        any::<[u8; 3]>().prop_map(|[b, c, d]| Ipv4Addr::new(127, b, c, d)),
        any::<[u8; 3]>().prop_map(|[b, c, d]| Ipv4Addr::new(10, b, c, d)),
        any::<[u8; 2]>().prop_map(|[c, d]| Ipv4Addr::new(192, 168, c, d)),
        any::<[u8; 2]>().prop_map(|[c, d]| Ipv4Addr::new(169, 254, c, d)),
        any::<[u8; 3]>().prop_map(|[b, c, d]| Ipv4Addr::new(0, b, c, d)),
    ];
    (v4, 0..7_u8).prop_map(|(address, form)| {
        let [a, b, c, d] = address.octets();
        let number = u32::from(address);
        match form {
            0 => address.to_string(),
            1 => number.to_string(),
            2 => format!("0x{number:x}"),
            3 => format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
            4 => format!("{a}.{}", u32::from_be_bytes([0, b, c, d])),
            5 => format!("[{}]", address.to_ipv6_mapped()),
            _ => format!("[{}]", Ipv6Addr::from(0x64_ff9b_u128 << 96 | u128::from(number))),
        }
    })
}

proptest! {
    #[test]
    fn no_text_as_an_endpoint_panics(text in prop_oneof![text(), damaged(&[
        "https://push.example/send/x?y=1", "https://[::1]:8443/x", "http://127.0.0.1:9/", "https://user@push.example/",
    ])]) {
        let Ok(endpoint) = Endpoint::parse(&text, &[]) else { return Ok(()) };
        prop_assert!(endpoint.is_https() && !endpoint.host().is_empty(), "{}", text);
    }

    #[test]
    fn no_way_to_write_an_inner_address_is_called(host in inner_host(), port in any::<u16>()) {
        let url = format!("https://{host}:{port}/x");
        let Ok(endpoint) = Endpoint::parse(&url, &[]) else { return Ok(()) };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let address: Option<IpAddr> = endpoint.host().trim_matches(['[', ']']).parse().ok();
        prop_assert!(address.is_some(), "{} is not resolved", url);
        prop_assert!(runtime.block_on(endpoint.addresses(&[])).is_err(), "{}", url);
    }

    #[test]
    fn quiet_hours_are_written_and_read_as_the_same(
        from in damaged(&["22:00"]), to in damaged(&["7:30:00", ""]),
        zone in damaged(&["Asia/Tokyo", "+09:00", "UTC", "-3"]), now_ms in any::<i64>(),
    ) {
        let Ok(quiet) = QuietHours::parse(&from, &to, &zone) else { return Ok(()) };
        quiet.contain(now_ms);
        prop_assert_eq!(&QuietHours::parse(&quiet.from, &quiet.to, &quiet.zone), &Ok(quiet.clone()));
    }

    #[test]
    fn no_keys_of_a_browser_panic(point in vec(any::<u8>(), 0..80), secret in vec(any::<u8>(), 0..20)) {
        drop(encrypt(&point, &secret, b"text"));
    }

    #[test]
    fn every_text_fits_into_a_push(name in text(), room in text(), body in text(), times in 1..200_usize) {
        let general = RoomId::parse("general").expect("fine");
        let push =
            QueuedPush { room: general, offset: 7, timestamp: 9, author: "a".into(), told: vec![], is_new: true };
        let message = PushedMessage { room: Some(room.repeat(times)), author: name.repeat(times), text: body.repeat(times) };
        for reason in [Reason::Mention, Reason::Direct, Reason::EveryMessage] {
            prop_assert!(!Payload::of_message(&push, &message, reason, Language::Ja).to_json().is_empty());
        }
    }
}
