//! Tests of the feed as a page shows it.

use super::*;
use crate::protocol::cursor::Epoch;

fn cursor(offset: Offset) -> Cursor {
    Cursor { epoch: Epoch::parse("e").expect("fine"), offset }
}

fn empty() -> FeedModel {
    FeedModel::new(
        None,
        Snapshot { cursor: cursor(0), values: vec![], notifications: vec![], more: false, filter: None },
    )
}

fn value(offset: Offset, channel: &str, key: &str, value: f64) -> Entry {
    let body = Body::Update { value, unit: None, key: Some(key.into()) };
    Entry { body, channel: channel.into(), offset, timestamp: 0 }
}

fn notification(offset: Offset, text: &str, key: Option<&str>) -> Entry {
    let body = Body::Notification {
        title: None,
        text: text.into(),
        level: Default::default(),
        tags: vec![],
        link: None,
        key: key.map(Into::into),
        details: Default::default(),
    };
    Entry { body, channel: "ops".into(), offset, timestamp: 0 }
}

fn offsets(model: &FeedModel) -> Vec<Offset> {
    model.notifications().map(|entry| entry.offset).collect()
}

#[test]
fn a_chatty_channel_pushes_no_notification_off_the_page() {
    let mut model = empty();
    model.apply(Event::Entry(notification(1, "backup done", None)));
    (2..2_000).for_each(|offset| model.apply(Event::Entry(value(offset, "server", "cpu", offset as f64))));
    assert_eq!(offsets(&model), [1]);
    let value_card = model.value_card("server").expect("it has values");
    assert_eq!(value_card.recent.len(), RECENT_VALUES);
    assert_eq!(value_card.series[0].points.len(), PLOT_POINTS);
    assert_eq!(value_card.series[0].latest().map(|point| point.value), Some(1_999.0));
}

#[test]
fn the_page_keeps_the_last_twenty_notifications() {
    let mut model = empty();
    (1..=22).for_each(|offset| model.apply(Event::Entry(notification(offset, "n", None))));
    assert_eq!(offsets(&model), (3..=22).collect::<Vec<_>>());
    assert!(model.more);
    assert_eq!(model.prepare_older(2), cursor(3));
    model.apply(Event::Entry(notification(23, "n", None)));
    model.prepend(vec![notification(1, "n", None), notification(2, "n", None)], false, None);
    assert_eq!(offsets(&model), (1..=23).collect::<Vec<_>>(), "one that arrived meanwhile leaves no gap");
}

#[test]
fn a_page_stands_where_it_stood_only_with_a_screen_of_rows_below() {
    let page = |range: std::ops::RangeInclusive<Offset>, more| {
        let notifications = range.map(|offset| notification(offset, "n", None)).collect();
        FeedModel::new(
            None,
            Snapshot { cursor: cursor(60), values: vec![], notifications, more, filter: None },
        )
    };
    assert!(page(41..=60, true).can_stand_at(60));
    assert!(!page(41..=60, true).can_stand_at(59), "one is missing below");
    assert!(!page(41..=60, true).can_stand_at(40), "it is not there");
    assert!(page(41..=60, false).can_stand_at(42), "there are no more");
}

#[test]
fn an_entry_replaces_the_one_with_the_same_key() {
    let mut model = empty();
    model.apply(Event::Entry(notification(1, "10 %", Some("backup"))));
    model.apply(Event::Entry(notification(2, "other", None)));
    model.apply(Event::Entry(notification(3, "20 %", Some("backup"))));
    assert_eq!(offsets(&model), [2, 3]);
}

#[test]
fn a_page_of_replaced_entries_does_not_stop_the_paging() {
    let newest = vec![notification(9, "90 %", Some("backup"))];
    let mut model = FeedModel::new(
        None,
        Snapshot { cursor: cursor(9), values: vec![], notifications: newest, more: true, filter: None },
    );
    assert_eq!(model.prepare_older(2), cursor(9));
    model.prepend(
        vec![notification(7, "70 %", Some("backup")), notification(8, "80 %", Some("backup"))],
        true,
        None,
    );
    assert_eq!(offsets(&model), [9]);
    assert_eq!(model.prepare_older(2), cursor(7));
}

#[test]
fn a_repeated_entry_changes_nothing() {
    let mut model = empty();
    model.apply(Event::Entry(notification(1, "n", None)));
    model.apply(Event::Entry(notification(1, "n", None)));
    assert_eq!(offsets(&model), [1]);
    assert_eq!(model.cursor(), &cursor(1));
}

#[test]
fn a_reset_empties_the_page() {
    let mut model = empty();
    model.apply(Event::Entry(notification(1, "n", None)));
    model.apply(Event::Control(Control::Reset { cursor: cursor(0), timestamp: 0 }));
    assert_eq!(offsets(&model), Vec::<Offset>::new());
    model.apply(Event::Entry(notification(1, "n", None)));
    assert_eq!(offsets(&model), [1]);
}

fn arrive(model: &mut FeedModel, range: std::ops::RangeInclusive<Offset>) {
    range.for_each(|offset| model.apply(Event::Entry(notification(offset, "n", None))));
}

#[test]
fn nothing_moves_while_the_reader_is_further_down() {
    let mut model = empty();
    arrive(&mut model, 1..=20);
    model.set_reading_back(true);
    arrive(&mut model, 21..=23);
    assert_eq!((offsets(&model), model.arrived()), ((1..=20).collect(), 3));
    model.set_reading_back(true);
    assert_eq!(model.arrived(), 3, "further down still");
    model.set_reading_back(false);
    assert_eq!((offsets(&model), model.arrived()), ((4..=23).collect(), 0));
    assert_eq!((model.more, model.prepare_older(2)), (true, cursor(4)));
}

#[test]
fn more_arrivals_than_the_page_shows_leave_no_gap() {
    let mut model = empty();
    arrive(&mut model, 1..=20);
    model.set_reading_back(true);
    arrive(&mut model, 21..=300);
    assert_eq!((offsets(&model), model.arrived()), ((1..=20).collect(), 280));
    model.set_reading_back(false);
    assert_eq!(offsets(&model), (281..=300).collect::<Vec<_>>());
    assert_eq!((model.more, model.prepare_older(2)), (true, cursor(281)));
}

#[test]
fn earlier_ones_can_be_loaded_while_others_arrive() {
    let mut model = empty();
    arrive(&mut model, 1..=22);
    model.set_reading_back(true);
    assert_eq!(model.prepare_older(2), cursor(3));
    arrive(&mut model, 23..=24);
    model.prepend(vec![notification(1, "n", None), notification(2, "n", None)], false, None);
    assert_eq!(offsets(&model), (1..=22).collect::<Vec<_>>());
    model.set_reading_back(false);
    assert_eq!(offsets(&model), (3..=24).collect::<Vec<_>>());
}

#[test]
fn a_replacement_takes_the_place_of_what_is_read_until_the_reader_comes_back() {
    let mut model = empty();
    model.apply(Event::Entry(notification(1, "10 %", Some("backup"))));
    arrive(&mut model, 2..=3);
    model.set_reading_back(true);
    model.apply(Event::Entry(notification(4, "20 %", Some("backup"))));
    model.apply(Event::Entry(notification(5, "30 %", Some("backup"))));
    model.apply(Event::Entry(notification(6, "new", Some("other"))));
    model.apply(Event::Entry(notification(7, "newer", Some("other"))));
    assert_eq!((offsets(&model), model.arrived()), (vec![5, 2, 3], 1));
    model.set_reading_back(false);
    assert_eq!(offsets(&model), [2, 3, 5, 7]);
}

#[test]
fn a_replaced_one_before_missing_arrivals_leaves_the_page() {
    let mut model = empty();
    model.apply(Event::Entry(notification(1, "10 %", Some("backup"))));
    model.set_reading_back(true);
    model.apply(Event::Entry(notification(2, "20 %", Some("backup"))));
    arrive(&mut model, 3..=30);
    assert_eq!(offsets(&model), [2]);
    model.set_reading_back(false);
    assert_eq!(offsets(&model), (11..=30).collect::<Vec<_>>());
}

#[test]
fn a_channel_that_is_only_called_like_a_node_is_somebody_s() {
    let is_of_node = |channel: &str, key: &str| {
        let mut model = empty();
        model.apply(Event::Entry(value(1, channel, key, 1.0)));
        model.value_card(channel).expect("it has a value").is_of_node()
    };
    assert!(is_of_node("server", "connections") && is_of_node("server-a-3000", "deliveries"));
    assert!(!is_of_node("server-room", "temperature") && !is_of_node("servers", "deliveries"));
}

#[test]
fn a_plot_fills_its_box_and_ends_at_the_right() {
    let points = [1.0, 3.0, 2.0].map(|value| Point { value, timestamp: 0, offset: 0 }).into();
    assert_eq!(plot_points(&points, 59.0, 10.0), "0.0,10.0 29.5,0.0 59.0,5.0");
    let flat = [5.0, 5.0].map(|value| Point { value, timestamp: 0, offset: 0 }).into();
    assert_eq!(plot_points(&flat, 59.0, 10.0), "0.0,5.0 59.0,5.0");
    let single = [5.0].map(|value| Point { value, timestamp: 0, offset: 0 }).into();
    assert_eq!(plot_points(&single, 59.0, 10.0), "59.0,5.0 59.0,5.0");
}

#[test]
fn there_is_a_bound_to_everything_on_the_page() {
    let mut model = empty();
    for offset in 1..500 {
        let (channel, key) = (format!("c{}", offset % 100), format!("k{offset}"));
        model.apply(Event::Entry(value(offset, &channel, &key, 0.0)));
    }
    assert!(model.value_cards().len() <= Snapshot::CHANNELS);
    assert!(model.value_cards().iter().all(|value_card| value_card.series.len() <= SERIES_MAX));
}

#[test]
fn an_entry_of_a_newer_build_moves_the_cursor_and_nothing_else() {
    let mut model = empty();
    let unreadable =
        |offset| Event::Unreadable(crate::protocol::feed::UnreadableEntry { channel: "ops".into(), offset });
    model.apply(Event::Entry(notification(1, "n", None)));
    model.apply(unreadable(2));
    model.apply(unreadable(1));
    assert!(model.is_outdated);
    assert_eq!((model.cursor().offset, offsets(&model)), (2, vec![1]));
}

#[test]
fn what_a_filter_leaves_out_moves_the_cursor_and_takes_what_it_replaces_from_the_page() {
    let mut model = empty();
    model.filter = Some(EventFilter { text: Some("2".into()), ..EventFilter::default() });
    let apply = |model: &mut FeedModel, entry| model.apply_shown(Event::Entry(entry), str::to_owned);
    for entry in [notification(1, "1", None), notification(2, "2", Some("a")), notification(3, "23", None)] {
        apply(&mut model, entry);
    }
    assert_eq!(offsets(&model), [2, 3]);
    apply(&mut model, notification(4, "4", Some("a")));
    apply(&mut model, value(5, "ops", "k", 1.0));
    assert_eq!((offsets(&model), model.cursor().offset), (vec![3], 5));
    assert_eq!(model.value_cards().len(), 1, "values are always shown");
    assert_eq!(model.older_address(20), "/fn/notices?before=e:1&channel=&q=2");
    model.prepend(vec![], true, Some(1));
    assert_eq!(model.prepare_older(2), cursor(1), "as far as was looked at");
}

fn deletion(offset: Offset, key: &str) -> Event {
    let body = crate::protocol::publication::Publication::deletion(key.into()).expect("a key").body().clone();
    Event::Entry(Entry { body, channel: "ops".into(), offset, timestamp: 0 })
}

#[test]
fn a_deletion_takes_what_has_its_key_off_the_page_but_not_from_under_a_reader() {
    let mut model = empty();
    model.apply(Event::Entry(notification(1, "other", None)));
    model.apply(Event::Entry(notification(2, "full", Some("disk"))));
    model.apply(deletion(3, "disk"));
    assert_eq!(offsets(&model), [1]);
    assert_eq!(model.cursor(), &cursor(3));
    model.apply(Event::Entry(notification(4, "full", Some("disk"))));
    model.set_reading_back(true);
    model.apply(deletion(5, "disk"));
    assert_eq!((offsets(&model), model.arrived()), (vec![1, 4], 0));
    model.set_reading_back(false);
    assert_eq!(offsets(&model), [1]);
}
