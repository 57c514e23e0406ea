//! Files that earlier versions wrote, kept for ever: `testdata/policies`. This reader takes them and decides as it did when they were written.
//! `policy_file.rs` has the first; what a policy learnt later without a new format is here.

use equipoise::policy::Policy;
use equipoise::score::{Measures, Mix, Request, Similarity, Workspace};

fn golden(name: &str) -> Policy {
    let path = format!("{}/../../testdata/policies/{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
    Policy::load(path).expect("the golden file is read")
}

/// Frequency caps, fixed places, list terms, exploration, lineage and validity.
#[test]
fn every_rule_of_format_1() {
    let policy = golden("format-1-rules");
    assert_eq!(policy.id_hex(), "5d18285d935ac3c0b48ab0da09c2ebf1");
    assert_eq!(policy.valid_until(), Some(1_900_000_000_000_000));
    let lineage = policy.lineage();
    assert_eq!((lineage.programme.as_deref(), lineage.epoch), (Some("mixes"), Some(7)));
    assert_eq!(lineage.parent.map(u128::from_be_bytes), Some(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff));
    let slate = policy.slate();
    assert_eq!((slate.slots, slate.visible, slate.fixed_places.as_slice()), (2, Some(5), [2, 4].as_slice()));
    assert_eq!((slate.diversity, slate.calibration), (Some(1.0), Some(0.5)));
    let exploration = slate.exploration.as_ref().expect("it explores");
    assert_eq!((exploration.temperature, exploration.epsilon, exploration.bonus), (Some(0.25), 0.125, 0.5));
    let campaigns: Vec<_> = policy.campaigns().map(|c| (c.id.to_owned(), c.label.map(str::to_owned), c.frequency_cap)).collect();
    let told = |id: &str, label: &str, cap| (id.to_owned(), Some(label.to_owned()), cap);
    assert_eq!(campaigns, [told("a", "L", Some(2)), told("b", "M", None), told("c", "L", None), told("d", "M", None)]);

    let rows = ["a", "b", "c", "d"].map(|id| policy.row(id));
    let request = Request {
        organic: Some(&[0.1, 0.2, 0.3, 0.4]),
        frequency: Some(&[2, 9, 9, 9]),
        uncertainty: Some(&[0.0, 0.0, 0.5, 0.0]),
        mix: Some(Mix { category: &[0, 0, 1, 1], target: &[1.0, 1.0] }),
        similarity: Some(Similarity::Embeddings { values: &[1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0], width: 2 }),
        time: Some(40),
        key: 17,
        ..Request::new(&rows, Measures::Columns { values: &[0.9, 0.8, 0.7, 0.6], stride: 4 })
    };
    let mut workspace = Workspace::default();
    let decision = policy.score(&request, &mut workspace).expect("a good request");
    assert_eq!(decision.scores(), [0.0, 0.8, 0.7, 0.6]);
    assert_eq!((decision.picks(), decision.positions()), ([1, 2].as_slice(), [2, 4].as_slice()));
    assert_eq!(decision.slate_propensity().to_bits(), 4_597_648_838_686_314_953, "drawn with the probability of then");
}
