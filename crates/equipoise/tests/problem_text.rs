//! Problems as TOML and JSON: exact round trips, places of syntax errors, limits.
#![allow(clippy::unwrap_used)]

use equipoise::Problem;
use equipoise::model::{Goal, GoalKind, Per, RelativeTo, Slate};
use proptest::prelude::*;

const WHOLE: &str = r#"
[objectives]
stream = 1.0
new_listener = 2.5
"net royalty" = 0.4

[slate]
slots = 2
visible = 10
min_gap = 3
max_per_artist = 1

[[goals]]
kind = "guardrail"
measure = "displacement"
per = "market"
at_most = 0.01
relative_to = "organic"

[[goals]]
kind = "share"
measure = "exposure"
of = { licensor = "g3" }
at_least = 0.02
at_most = 0.30

[[goals]]
kind = "floor"
name = "new voices"
measure = "stream"
per = "artist"
at_least = 5
penalty = 2.5
"#;

#[test]
fn a_whole_document_is_read() {
    let problem = Problem::from_toml(WHOLE).unwrap();
    let objectives: Vec<_> = problem.objectives.iter().map(|(name, weight)| (name.as_str(), *weight)).collect();
    assert_eq!(objectives, [("stream", 1.0), ("new_listener", 2.5), ("net royalty", 0.4)]);
    let slate = Slate { slots: 2, visible: Some(10), min_gap: 3, max_per_artist: Some(1), ..Slate::default() };
    assert_eq!(problem.slate, slate);
    let guardrail = Goal {
        per: Some(Per::Market),
        at_most: Some(0.01),
        relative_to: Some(RelativeTo::Organic),
        ..Goal::new(GoalKind::Guardrail, "displacement")
    };
    assert_eq!(problem.goals[0], guardrail);
    assert_eq!(problem.goals[1].of.as_ref().unwrap().first().unwrap(), (&"licensor".to_owned(), &"g3".to_owned()));
    assert_eq!(problem.goals[2].at_least, Some(5.0));
}

#[test]
fn an_empty_document_takes_the_defaults() {
    for problem in [Problem::from_toml("").unwrap(), Problem::from_json("{}").unwrap()] {
        assert_eq!(problem, Problem::default());
        assert_eq!((problem.slate.slots, problem.slate.first_place, problem.slate.min_gap, problem.slate.visible_places()), (1, 1, 1, 255));
    }
}

#[test]
fn both_languages_say_the_same() {
    let problem = Problem::from_toml(WHOLE).unwrap();
    assert_eq!(Problem::from_json(&problem.to_json()).unwrap(), problem);
    assert_eq!(Problem::from_toml(&problem.to_toml()).unwrap(), problem);
}

#[test]
fn syntax_errors_say_where() {
    let error = Problem::from_toml("[slate]\nslots = 1\nplaces = 3\n").unwrap_err();
    assert_eq!((error.code(), error.argument()), ("invalid_input.syntax", "problem"));
    assert!(error.to_string().contains("line 3, column 1: unknown field `places`"), "{error}");

    let error = Problem::from_json("{\"goals\": [\n  {\"kind\": \"ceiling\"}]}").unwrap_err();
    assert_eq!(error.code(), "invalid_input.syntax");
    assert!(error.to_string().contains("line 2, column 20: unknown variant `ceiling`"), "{error}");
}

#[test]
fn names_stand_once() {
    for text in
        [r#"{"objectives": {"a": 1, "a": 2}}"#, r#"{"goals": [{"kind": "cap", "measure": "a", "of": {"label": "x", "label": "y"}}]}"#]
    {
        let error = Problem::from_json(text).unwrap_err();
        assert_eq!(error.code(), "invalid_input.syntax");
        assert!(error.to_string().contains("is listed twice"), "{error}");
    }
    assert_eq!(Problem::from_toml("[objectives]\na = 1\na = 2\n").unwrap_err().code(), "invalid_input.syntax");
}

#[test]
fn control_characters_of_a_document_do_not_reach_the_message() {
    for text in ["{\"\\u001b[31mred\": 1}", "{\"objectives\": {\"\\u001b[2J\": 1e30}}"] {
        let error = Problem::from_json(text).unwrap_err();
        assert!(!error.to_string().contains('\u{1b}'), "{error:?}");
        assert!(error.to_string().contains("\\u{1b}"), "{error}");
    }
}

#[test]
fn deep_and_huge_documents_are_refused() {
    for depth in [200, 20_000, 2_000_000] {
        let deep = format!("{{\"goals\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(Problem::from_json(&deep).unwrap_err().code(), "invalid_input.syntax");
        let deep = format!("goals = {}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(Problem::from_toml(&deep).unwrap_err().code(), "invalid_input.syntax");
        let deep = format!("goals = {}1{}", "{a=".repeat(depth), "}".repeat(depth));
        assert_eq!(Problem::from_toml(&deep).unwrap_err().code(), "invalid_input.syntax");
    }
    let huge = " ".repeat((16 << 20) + 1);
    assert_eq!(Problem::from_json(&huge).unwrap_err().code(), "invalid_input.too_large");
    assert_eq!(Problem::from_toml(&huge).unwrap_err().code(), "invalid_input.too_large");
}

#[test]
fn files_are_read_by_their_ending() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let problem = Problem::from_toml(WHOLE).unwrap();
    assert_eq!(Problem::load(write("p.toml", WHOLE.as_bytes())).unwrap(), problem);
    assert_eq!(Problem::load(write("p.JSON", problem.to_json().as_bytes())).unwrap(), problem);
    assert_eq!(Problem::load(write("p.yaml", b"")).unwrap_err().code(), "invalid_input.syntax");
    assert_eq!(Problem::load(write("bad.toml", b"\xff\xfe")).unwrap_err().code(), "invalid_input.unicode");
    assert_eq!(Problem::load(write("huge.toml", &vec![b' '; (16 << 20) + 1])).unwrap_err().code(), "invalid_input.too_large");
    let error = Problem::load(folder.path().join("none.toml")).unwrap_err();
    assert_eq!((error.code(), error.argument()), ("invalid_input.io", "path"));
}

fn goal() -> impl Strategy<Value = Goal> {
    let text = "[a-z\u{1}\u{7f}\"\\\\ é\u{1f3b5}]{1,8}";
    let amount = prop_oneof![0.0..1e12, 0.0..1.0, Just(0.0), Just(f64::MIN_POSITIVE)];
    let per = prop_oneof![Just(Per::Campaign), Just(Per::Label), Just(Per::Licensor), Just(Per::Market), Just(Per::Surface)];
    let of = prop_oneof![Just("campaign"), Just("artist"), Just("label"), Just("market")];
    let scope = prop_oneof![
        per.prop_map(|per| (Some(per), None)),
        (of, text).prop_map(|(a, k)| (None, Some([(a.to_owned(), k)].into_iter().collect())))
    ];
    (text, scope, amount, 1e-9..1e12, prop::option::of(text), 0..4).prop_map(|(measure, (per, of), amount, penalty, name, kind)| {
        let base = |kind| Goal { name: name.clone(), per, of: of.clone(), ..Goal::new(kind, measure.clone()) };
        match kind {
            0 => Goal { at_most: Some(amount), ..base(GoalKind::Cap) },
            1 => Goal { target: Some(amount), penalty: Some(penalty), ..base(GoalKind::Target) },
            2 => Goal { at_most: Some(amount.min(1.0)), penalty: Some(penalty), ..base(GoalKind::Share) },
            _ => Goal { per: Some(Per::All), of: None, at_most_total: Some(amount), ..base(GoalKind::Guardrail) },
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_checked_problem_comes_back_equal(
        objectives in prop::collection::btree_map("[a-z .\u{0}\u{1b}]{1,6}", -1e12..1e12, 0..4),
        slots in 0..256_u32, visible in prop::option::of(9..256_u32), first_place in 1..9_u32,
        goals in prop::collection::vec(goal(), 0..6),
    ) {
        let slate = Slate { slots, visible, first_place, ..Slate::default() };
        let problem = Problem { objectives: objectives.into_iter().collect(), slate, goals };
        problem.check().unwrap();
        prop_assert_eq!(&Problem::from_json(&problem.to_json()).unwrap(), &problem);
        prop_assert_eq!(&Problem::from_toml(&problem.to_toml()).unwrap(), &problem);
    }

    #[test]
    fn junk_is_an_error_and_nothing_worse(text in "[\\[\\]{}\",:.=# \n0-9eE+\\-a-z]{0,80}") {
        let _ = Problem::from_json(&text);
        let _ = Problem::from_toml(&text);
    }

    #[test]
    fn a_changed_document_is_an_error_and_nothing_worse(at in 0..WHOLE.len(), with in any::<char>(), cut in any::<bool>()) {
        let mut text: Vec<char> = WHOLE.chars().collect();
        text[at] = with;
        if cut {
            text.truncate(at + 1);
        }
        let text: String = text.into_iter().collect();
        let _ = Problem::from_toml(&text);
        let _ = Problem::from_json(&text);
    }
}
