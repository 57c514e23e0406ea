//! What `diff` says of two policies.

mod forge;

use equipoise::model::{Campaign, Campaigns};
use equipoise::policy::{Change, Draft, Policy};
use forge::draft;

fn policy(draft: &Draft) -> Policy {
    Policy::new(draft).expect("a good draft")
}

#[test]
fn nothing_differs_from_itself() {
    assert!(policy(&draft()).diff(&policy(&draft())).is_empty());
}

#[test]
fn everything_that_differs_is_listed() {
    let old = draft();
    let mut new = draft();
    let mut list: Vec<Campaign> = old.campaigns.iter().cloned().collect();
    list.retain(|c| c.id != "b");
    list.iter_mut().filter(|c| c.id == "a").for_each(|c| c.end = Some(99));
    list.push(Campaign { id: "d".into(), ..Campaign::default() });
    new.campaigns = Campaigns::new(list).expect("good campaigns");
    // Keys are ranks: the cap of "b" goes away with it, the others keep their places.
    new.ledgers.remove(0);
    new.ledgers[0].1 = -0.125;
    new.weights[1] = 2.0;
    new.slate.slots = 3;
    new.metadata.insert("note".into(), "text".into());
    let diff = policy(&old).diff(&policy(&new));
    assert_eq!(diff.campaigns_added, ["d"]);
    assert_eq!(diff.campaigns_removed, ["b"]);
    assert_eq!(diff.campaigns_changed, ["a"]);
    let change = |name: &str, before, after| Change { name: name.to_owned(), before, after };
    assert_eq!(
        diff.prices,
        [change("\"cap\" exposure campaign=b", Some(0.125), None), change("\"share of L\" stream label=L", Some(-0.0625), Some(-0.125)),]
    );
    assert_eq!(diff.weights, [change("stream", Some(1.0), Some(2.0))]);
    assert_eq!(diff.metadata.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["slate", "note"]);
    assert!(!diff.is_empty());

    let back = policy(&new).diff(&policy(&old));
    assert_eq!(back.campaigns_added, ["b"]);
    assert_eq!(back.prices[1], change("\"cap\" exposure campaign=b", None, Some(0.125)));
}

#[test]
fn ledgers_of_one_name_are_told_apart_by_their_order() {
    let mut old = draft();
    old.ledgers.push(old.ledgers[0].clone());
    let mut new = old.clone();
    new.ledgers[5].1 = 0.5;
    let diff = policy(&old).diff(&policy(&new));
    assert_eq!(diff.prices, [Change { name: "\"cap\" exposure campaign=b".to_owned(), before: Some(0.125), after: Some(0.5) }]);
}
