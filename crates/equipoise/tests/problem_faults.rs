//! What `Problem::check` finds: every fault, at once, each with its path.
#![allow(clippy::unwrap_used)]

use equipoise::Problem;
use equipoise::model::{Goal, GoalKind, Per, Scope};

/// Code and argument of each fault of a TOML document.
fn faults(toml: &str) -> Vec<(&'static str, String)> {
    Problem::from_toml(toml).unwrap_err().faults().iter().map(|f| (f.code, f.argument.clone())).collect()
}

fn goal(fields: &str) -> Vec<(&'static str, String)> {
    faults(&format!("[[goals]]\n{fields}"))
}

fn one(found: &[(&'static str, String)], code: &str, argument: &str) {
    assert_eq!(
        found,
        [(code, argument.to_owned())].map(|(c, a)| (*equipoise::error::CODES.iter().map(|c| &c.0).find(|k| **k == c).unwrap(), a))
    );
}

#[test]
fn all_faults_come_at_once() {
    let found = faults(
        r#"
        [objectives]
        "" = 1.0
        stream = nan
        save = 1e13
        [slate]
        slots = 256
        visible = 0
        first_place = 3
        min_gap = 0
        max_per_artist = 0
        [[goals]]
        kind = "cap"
        measure = "stream"
        per = "campaign"
        at_most = -1.0
        [[goals]]
        kind = "floor"
        measure = ""
        of = { label = "a", market = "b" }
        at_least = inf
        penalty = 0.0
        "#,
    );
    let expected = [
        ("invalid_input.empty", "objectives.\"\""),
        ("invalid_input.not_finite", "objectives.\"stream\""),
        ("invalid_input.range", "objectives.\"save\""),
        ("invalid_input.range", "slate.slots"),
        ("invalid_input.range", "slate.visible"),
        ("invalid_input.range", "slate.min_gap"),
        ("invalid_input.range", "slate.max_per_artist"),
        ("invalid_input.range", "slate.first_place"),
        ("invalid_input.range", "goals[0].at_most"),
        ("invalid_input.empty", "goals[1].measure"),
        ("goal.scope_intersection", "goals[1].of"),
        ("invalid_input.not_finite", "goals[1].at_least"),
        ("invalid_input.range", "goals[1].penalty"),
    ];
    assert_eq!(found, expected.map(|(code, argument)| (code, argument.to_owned())));
}

#[test]
fn a_scope_is_stated_once_and_fits_the_kind() {
    let cap = "kind = \"cap\"\nmeasure = \"exposure\"\nat_most = 1\n";
    let share = "kind = \"share\"\nmeasure = \"exposure\"\nat_most = 1\n";
    let guardrail = "kind = \"guardrail\"\nmeasure = \"displacement\"\nat_most_total = 1\n";
    one(&goal(cap), "goal.scope", "goals[0]");
    one(&goal(&format!("{cap}per = \"label\"\nof = {{ label = \"x\" }}")), "goal.scope", "goals[0]");
    one(&goal(&format!("{cap}of = {{}}")), "goal.scope", "goals[0].of");
    one(&goal(&format!("{cap}of = {{ country = \"x\" }}")), "goal.scope", "goals[0].of");
    one(&goal(&format!("{cap}of = {{ all = \"x\" }}")), "goal.scope", "goals[0].of");
    one(&goal(&format!("{cap}of = {{ label = \"\" }}")), "invalid_input.empty", "goals[0].of.\"label\"");
    one(&goal(&format!("{share}per = \"all\"")), "goal.scope", "goals[0]");
    for campaign_side in ["campaign", "artist", "label", "licensor"] {
        one(&goal(&format!("{guardrail}per = \"{campaign_side}\"")), "goal.scope", "goals[0]");
        one(&goal(&format!("{guardrail}of = {{ {campaign_side} = \"x\" }}")), "goal.scope", "goals[0]");
    }
    for request_side in ["per = \"market\"", "per = \"surface\"", "per = \"all\"", "of = { market = \"SE\" }"] {
        Problem::from_toml(&format!("[[goals]]\n{guardrail}{request_side}")).unwrap();
    }
}

#[test]
fn limits_fit_the_kind() {
    let lacking = [
        "kind = \"cap\"",
        "kind = \"floor\"",
        "kind = \"target\"",
        "kind = \"share\"",
        "kind = \"guardrail\"",
        "kind = \"guardrail\"\nat_most = 0.1",
        "kind = \"guardrail\"\nat_most = 0.1\nat_most_total = 3\nrelative_to = \"organic\"",
        "kind = \"guardrail\"\nat_most_total = 3\nrelative_to = \"organic\"",
    ];
    for fields in lacking {
        one(&goal(&format!("{fields}\nmeasure = \"m\"\nper = \"market\"")), "goal.limit", "goals[0]");
    }
    let foreign = [
        ("kind = \"cap\"\nat_most = 1\npenalty = 1", "penalty"),
        ("kind = \"cap\"\nat_most = 1\nat_least = 0", "at_least"),
        ("kind = \"floor\"\nat_least = 1\nat_most = 1", "at_most"),
        ("kind = \"target\"\ntarget = 1\nweight = 1", "weight"),
        ("kind = \"share\"\nat_most = 1\nrelative_to = \"organic\"", "relative_to"),
        ("kind = \"guardrail\"\nat_most_total = 1\npenalty = 1", "penalty"),
        ("kind = \"cap\"\nat_most = 1\nweights = { a = 1 }", "weights"),
    ];
    for (fields, field) in foreign {
        one(&goal(&format!("{fields}\nmeasure = \"m\"\nper = \"market\"")), "goal.limit", &format!("goals[0].{field}"));
    }
    one(&goal("kind = \"share\"\nat_most = 1.5\nmeasure = \"m\"\nper = \"market\""), "invalid_input.range", "goals[0].at_most");
}

#[test]
fn fairness_needs_a_weight_and_an_exponent_that_its_offset_allows() {
    let stated = |fields: &str| format!("measure = \"exposure\"\nper = \"label\"\n{fields}");
    let fair = |fields: &str| goal(&stated(fields));
    for fields in ["alpha = 1.0", "weight = 30.0", "alpha = 1.0\nweight = 1.0\noffset = 0", "alpha = 3.0\nweight = 1.0\noffset = 0"] {
        one(&fair(&format!("kind = \"alpha_fair\"\n{fields}")), "goal.limit", "goals[0]");
    }
    one(&fair("kind = \"alpha_fair\"\nalpha = 101\nweight = 1"), "invalid_input.range", "goals[0].alpha");
    one(&fair("kind = \"alpha_fair\"\nalpha = 1\nweight = 0"), "invalid_input.range", "goals[0].weight");
    one(&fair("kind = \"max_min\""), "goal.limit", "goals[0]");
    one(&fair("kind = \"max_min\"\nweight = 1\nweights = { x = 0 }"), "invalid_input.range", "goals[0].weights.\"x\"");
    for fields in [
        "kind = \"alpha_fair\"\nalpha = 0.5\nweight = 1\noffset = 0",
        "kind = \"alpha_fair\"\nalpha = 20\nweight = 1",
        "kind = \"max_min\"\nweight = 30\nweights = { x = 2 }",
    ] {
        assert!(Problem::from_toml(&format!("[[goals]]\n{}", stated(fields))).is_ok(), "{fields}");
    }
}

#[test]
fn a_floor_lies_below_the_cap_of_its_ledger() {
    let goals = |cap: &str, floor: &str, measure: &str| {
        format!(
            "[[goals]]\nkind = \"cap\"\nmeasure = \"exposure\"\nat_most = 10\n{cap}\n[[goals]]\nkind = \"floor\"\nmeasure = \"{measure}\"\nat_least = 11\n{floor}"
        )
    };
    let (per, x, y) = ("per = \"label\"", "of = { label = \"x\" }", "of = { label = \"y\" }");
    for (cap, floor) in [(per, per), (per, x), (x, per), (x, x)] {
        one(&faults(&goals(cap, floor, "exposure")), "goal.floor_above_cap", "goals[1].at_least");
    }
    Problem::from_toml(&goals(x, y, "exposure")).unwrap();
    Problem::from_toml(&goals(per, "per = \"artist\"", "exposure")).unwrap();
    Problem::from_toml(&goals(per, per, "stream")).unwrap();
    let share = "kind = \"share\"\nmeasure = \"exposure\"\nper = \"label\"\nat_least = 0.3\nat_most = 0.2";
    one(&goal(share), "goal.floor_above_cap", "goals[0].at_least");
}

#[test]
fn many_faults_are_counted_and_twenty_shown() {
    let cap = Goal { per: Some(Per::Label), at_most: Some(-1.0), ..Goal::new(GoalKind::Cap, "exposure") };
    let error = Problem { goals: vec![cap; 1000], ..Problem::default() }.check().unwrap_err();
    assert_eq!(error.faults().len(), 20);
    assert!(error.to_string().ends_with("invalid_input.range: and 980 more"), "{error}");
}

#[test]
fn many_goals_are_checked_in_linear_time() {
    let goals: Vec<_> = (0..200_000)
        .map(|i| {
            let of = [("label".to_owned(), format!("l{}", i / 2))].into_iter().collect();
            let base = |kind| Goal { of: Some(of), ..Goal::new(kind, "exposure") };
            if i % 2 == 0 {
                Goal { at_most: Some(2.0), ..base(GoalKind::Cap) }
            } else {
                Goal { at_least: Some(1.0), ..base(GoalKind::Floor) }
            }
        })
        .collect();
    Problem { goals, ..Problem::default() }.check().unwrap();
}

#[test]
fn a_scope_is_read_from_either_form() {
    let mut goal = Goal::new(GoalKind::Cap, "exposure");
    assert_eq!(goal.scope(), None);
    goal.per = Some(Per::Surface);
    assert_eq!(goal.scope(), Some((Scope::Surface, None)));
    goal.of = Some([("artist".to_owned(), "a".to_owned())].into_iter().collect());
    assert_eq!(goal.scope(), None);
    goal.per = None;
    assert_eq!(goal.scope(), Some((Scope::Artist, Some("a"))));
}
