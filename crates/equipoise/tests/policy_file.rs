//! The policy file: what is written is read back, and nothing else is.

mod forge;
mod soak;

use equipoise::model::{Exploration, Slate};
use equipoise::policy::{Draft, Policy};
use forge::{Forged, draft};

fn good() -> Policy {
    Policy::new(&draft()).expect("a good draft")
}

fn code(bytes: &[u8]) -> Result<(), &'static str> {
    Policy::from_bytes(bytes).map(|_| ()).map_err(|e| e.code())
}

#[test]
fn what_is_written_is_read_back() {
    let policy = good();
    let again = Policy::from_bytes(policy.to_bytes()).expect("a good file");
    assert_eq!(policy, again);
    assert_eq!(policy.id(), again.id());
    assert_eq!(policy.row("a"), again.row("a"), "same id, same tag");
    let bytes = policy.to_bytes();
    assert_eq!(policy.id()[..], blake3::hash(&bytes[..bytes.len() - 96]).as_bytes()[..16]);
    assert!(bytes[bytes.len() - 64..].iter().all(|b| *b == 0), "unsigned");

    assert_eq!(policy.measures(), ["stream", "displacement"]);
    assert_eq!(policy.weights(), [0.0, 1.0, 0.0]);
    assert_eq!(policy.slate(), &draft().slate);
    assert_eq!(policy.parent_id(), Some([7; 16]));
    assert_eq!(policy.valid_until(), Some(1_800_000_000_000_000));
    assert_eq!(policy.metadata()["certificate"], "{\"gap\":0.0001}");
    let campaigns: Vec<_> = policy.campaigns().collect();
    assert_eq!(campaigns.iter().map(|c| c.id).collect::<Vec<_>>(), ["a", "b", "çå"]);
    assert_eq!((campaigns[0].artist, campaigns[0].surfaces.clone(), campaigns[0].start), (Some("A"), Some(vec!["radio"]), None));
    assert_eq!((campaigns[1].markets.clone(), campaigns[1].end), (Some(vec!["NO", "XX"]), Some(20)));
    let prices: Vec<_> = policy.prices().map(|p| (p.goal, p.measure, p.scope, p.price)).collect();
    assert_eq!(prices[0], ("cap".into(), "exposure".into(), "campaign=b".into(), 0.125));
    assert_eq!(prices[1], ("share of L".into(), "stream".into(), "label=L".into(), -0.0625));
    assert_eq!(prices[4], ("cap".into(), "displacement".into(), "all".into(), 0.5));
}

#[test]
fn equal_drafts_give_equal_bytes() {
    let mut one = draft();
    one.metadata = [("b", "2"), ("a", "1")].map(|(k, v)| (k.to_owned(), v.to_owned())).into_iter().collect();
    let mut other = draft();
    other.metadata = [("a", "1"), ("b", "2")].map(|(k, v)| (k.to_owned(), v.to_owned())).into_iter().collect();
    other.weights[0] = -0.0;
    let policy = Policy::new(&one).expect("a good draft");
    assert_eq!(policy, Policy::new(&other).expect("a good draft"));
    assert_ne!(policy.id(), good().id());

    let later = good().with_valid_until(5).expect("a good policy");
    assert_eq!(later, Policy::new(&Draft { valid_until: Some(5), ..draft() }).expect("a good draft"));
    let never = Policy::new(&Draft { valid_until: None, parent_id: None, ..draft() }).expect("a good draft");
    assert_eq!(
        never.with_valid_until(5).expect("a good policy"),
        Policy::new(&Draft { valid_until: Some(5), parent_id: None, ..draft() }).expect("a good draft")
    );
}

#[test]
fn every_truncation_is_refused() {
    let bytes = good().to_bytes().to_vec();
    for end in 0..bytes.len() {
        let refused = code(&bytes[..end]);
        assert_eq!(refused, Err("policy.corrupt"), "the first {end} of {} bytes", bytes.len());
    }
    println!("executed {} truncations", bytes.len());
}

#[test]
fn every_single_bit_flip_is_refused() {
    let mut bytes = good().to_bytes().to_vec();
    let unsigned = bytes.len() - 64;
    for bit in 0..unsigned * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        let refused = code(&bytes).expect_err("a flipped bit");
        assert!(refused.starts_with("policy."), "bit {bit}: {refused}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    assert_eq!(code(&bytes), Ok(()));
    println!("executed {} flips", unsigned * 8);
}

#[test]
fn trailing_and_spliced_bytes_are_refused() {
    let bytes = good().to_bytes().to_vec();
    assert_eq!(code(&[bytes.as_slice(), &[0]].concat()), Err("policy.corrupt"));
    assert_eq!(code(&[bytes.as_slice(), &bytes].concat()), Err("policy.corrupt"));
    let other = good().with_valid_until(1_700_000_000_000_000).expect("a good policy").to_bytes().to_vec();
    assert_eq!(other.len(), bytes.len());
    // Where the cut leaves one of the two whole, it is no splice.
    let mut executed = 0;
    for cut in 1..bytes.len() {
        for spliced in [[&bytes[..cut], &other[cut..]].concat(), [&other[..cut], &bytes[cut..]].concat()] {
            if spliced != bytes && spliced != other {
                assert_eq!(code(&spliced), Err("policy.corrupt"), "cut at {cut}");
                executed += 1;
            }
        }
    }
    println!("executed {executed} splices");
    assert!(executed > 2 * 64);
}

#[test]
fn a_signature_changes_no_id() {
    let policy = good();
    let mut bytes = policy.to_bytes().to_vec();
    let end = bytes.len();
    bytes[end - 64..].fill(0xa5);
    assert_eq!(Policy::from_bytes(&bytes).expect("without trusted keys a signature is not judged").id(), policy.id());
}

/// A file that is sealed properly, with one thing wrong in it.
fn refused(what: &str, forge: impl FnOnce(&mut Forged)) {
    let mut forged = Forged::of(good().to_bytes());
    forge(&mut forged);
    let bytes = forged.seal();
    match Policy::from_bytes(&bytes) {
        Ok(_) => panic!("{what}: was taken"),
        Err(e) => {
            assert_eq!(e.code(), "policy.corrupt", "{what}: {e}");
            let at = e.index().expect("an offset") as usize;
            assert!(at <= bytes.len(), "{what}: offset {at} of {}", bytes.len());
        }
    }
}

#[test]
fn forging_nothing_is_taken() {
    assert_eq!(code(&Forged::of(good().to_bytes()).seal()), Ok(()));
}

#[test]
fn wrong_contents_are_refused() {
    for price in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.1e12, -0.5] {
        refused("a price that a cap cannot have", |f| f.patch("ledger_price", 0, &price.to_le_bytes()));
    }
    refused("a floor that charges", |f| f.patch("ledger_price", 16, &1.0_f64.to_le_bytes()));
    refused("a coefficient above one", |f| f.patch("ledger_inside", 0, &1.5_f64.to_le_bytes()));
    refused("a coefficient that is no number", |f| f.patch("ledger_outside", 8, &f64::NAN.to_le_bytes()));
    refused("an unknown kind", |f| f.patch("ledger_kind", 0, &[7]));
    refused("an unknown scope", |f| f.patch("ledger_scope", 0, &[7]));
    refused("a measure that is not there", |f| f.patch("ledger_measure", 0, &3_u32.to_le_bytes()));
    refused("a goal that is not there", |f| f.patch("ledger_goal", 0, &2_u32.to_le_bytes()));
    refused("a campaign that is not there", |f| f.patch("ledger_key", 0, &3_u32.to_le_bytes()));
    refused("a price of a market that has none", |f| f.patch("ledger_key", 12, &2_u32.to_le_bytes()));
    refused("a key of `all`", |f| f.patch("ledger_key", 16, &1_u32.to_le_bytes()));
    refused("ids out of order", |f| f.patch("campaign_text", 0, b"ba"));
    refused("an id twice", |f| f.patch("campaign_text", 0, b"aa"));
    refused("bad UTF-8", |f| f.patch("campaign_text", 2, &[0xff]));
    refused("a name that splits a character", |f| f.patch("campaign_offsets", 16, &3_u64.to_le_bytes()));
    refused("an offset before the one before", |f| f.patch("campaign_offsets", 16, &0_u64.to_le_bytes()));
    refused("an offset past the text", |f| f.patch("campaign_offsets", 16, &u64::MAX.to_le_bytes()));
    refused("offsets that do not start at 0", |f| f.patch("campaign_offsets", 0, &1_u64.to_le_bytes()));
    refused("offsets that end early", |f| f.patch("campaign_offsets", 24, &5_u64.to_le_bytes()));
    refused("an empty id", |f| f.patch("campaign_offsets", 8, &0_u64.to_le_bytes()));
    refused("a flight that ends before it starts", |f| f.patch("campaign_end", 8, &10_i64.to_le_bytes()));
    refused("a party that is not there", |f| f.patch("campaign_artist", 0, &2_u32.to_le_bytes()));
    refused("parties out of order", |f| f.patch("artist_text", 0, b"C"));
    refused("a market twice", |f| f.patch("market_text", 0, b"NO"));
    refused("a set that is not there", |f| f.patch("campaign_market_set", 4, &1_u32.to_le_bytes()));
    refused("a set that nobody uses", |f| f.patch("campaign_market_set", 4, &u32::MAX.to_le_bytes()));
    refused("an empty set", |f| f.patch("market_sets", 0, &0_u64.to_le_bytes()));
    refused("a set with a name that is not there", |f| f.patch("market_sets", 0, &8_u64.to_le_bytes()));
}

#[test]
fn wrong_shapes_are_refused() {
    refused("a column that is too short", |f| f.replace("campaign_label", &[2], &[0; 8]));
    refused("a column that is too long", |f| f.replace("ledger_key", &[6], &[0; 24]));
    refused("a matrix in place of a column", |f| f.header["campaign_label"]["shape"] = serde_json::json!([3, 1]));
    refused("another type of the same width", |f| f.header["campaign_label"]["dtype"] = "F32".into());
    refused("an unknown type", |f| f.header["campaign_label"]["dtype"] = "F33".into());
    refused("sets of another width", |f| f.replace("market_sets", &[1, 2], &[1; 16]));
    refused("no offsets at all", |f| f.replace("goal_offsets", &[0], &[]));
    refused("a shape that overflows", |f| f.header["campaign_label"]["shape"] = serde_json::json!([1_u64 << 62, 1_u64 << 62]));
    refused("a shape of many sizes", |f| f.header["campaign_label"]["shape"] = serde_json::json!([3, 1, 1, 1, 1, 1]));
    refused("a negative size", |f| f.header["campaign_label"]["shape"] = serde_json::json!([-3]));
    refused("offsets that do not agree with the shape", |f| f.header["campaign_label"]["shape"] = serde_json::json!([2]));
    refused("a missing tensor", |f| {
        // Every tensor after it is moved, so that nothing but its absence is wrong.
        f.replace("ledger_scope", &[0], &[]);
        f.header.shift_remove("ledger_scope");
    });
    refused("a tensor that the format does not have", |f| f.add_empty("extra"));
    refused("no signature", |f| drop(f.header.shift_remove("signature")));
    refused("digest and signature the wrong way round", |f| {
        let digest = f.header.shift_remove("digest").expect("a digest");
        f.header.insert("digest".into(), digest);
    });
    refused("gaps and overlaps", |f| {
        let offsets = f.header["campaign_label"]["data_offsets"].clone();
        let shifted = [0, 1].map(|i| offsets[i].as_u64().expect("an offset") + 4);
        f.header["campaign_label"]["data_offsets"] = serde_json::json!(shifted);
    });
    refused("two tensors in one place", |f| {
        f.header["campaign_label"]["data_offsets"] = f.header["campaign_artist"]["data_offsets"].clone();
    });
    refused("offsets that run backwards", |f| {
        let offsets = f.header["campaign_label"]["data_offsets"].clone();
        f.header["campaign_label"]["data_offsets"] = serde_json::json!([offsets[1], offsets[0]]);
    });
}

#[test]
fn wrong_metadata_is_refused() {
    for key in ["format", "format_version", "min_reader", "objectives", "slate", "tie_breadth", "priced_markets", "priced_surfaces"] {
        refused(key, |f| drop(f.header["__metadata__"].as_object_mut().expect("a map").shift_remove(key)));
    }
    for (key, value) in [
        ("format", "equipoise.ledger"),
        ("format_version", "1.0"),
        ("format_version", "01"),
        ("format_version", "-1"),
        ("format_version", "99999999999"),
        ("min_reader", ""),
        ("objectives", "[]"),
        ("objectives", "{}"),
        ("objectives", "{\"exposure\":0.0,\"stream\":1.0,\"stream\":1.0}"),
        ("objectives", "{\"stream\":1.0,\"exposure\":0.0,\"displacement\":0.0}"),
        ("objectives", "{\"exposure\":0.0, \"stream\":1.0,\"displacement\":0.0}"),
        ("objectives", "{\"exposure\":0,\"stream\":1.0,\"displacement\":0.0}"),
        ("objectives", "{\"exposure\":0.0,\"stream\":1e13,\"displacement\":0.0}"),
        ("objectives", "{\"exposure\":0.0,\"stream\":1e999,\"displacement\":0.0}"),
        ("objectives", "{\"exposure\":0.0,\"\":1.0,\"displacement\":0.0}"),
        ("objectives", "{\"exposure\":0.0,\"stream\":{\"a\":[]},\"displacement\":0.0}"),
        ("slate", "{}"),
        ("slate", "null"),
        ("slate", "{\"slots\":256,\"visible\":10,\"first_place\":2,\"min_gap\":3,\"max_per_artist\":1}"),
        ("slate", "{\"slots\":2,\"visible\":0,\"first_place\":2,\"min_gap\":3,\"max_per_artist\":1}"),
        ("slate", "{\"slots\":2,\"visible\":10,\"first_place\":0,\"min_gap\":3,\"max_per_artist\":1}"),
        ("slate", "{\"slots\":2,\"visible\":10,\"first_place\":2,\"min_gap\":0,\"max_per_artist\":1}"),
        ("slate", "{\"slots\":2,\"visible\":10,\"first_place\":2,\"min_gap\":3,\"max_per_artist\":0}"),
        ("slate", "{\"slots\":2,\"visible\":10,\"first_place\":2,\"min_gap\":3,\"max_per_artist\":1,\"more\":1}"),
        ("tie_breadth", "NaN"),
        ("tie_breadth", "inf"),
        ("tie_breadth", "-1"),
        ("tie_breadth", "1e-6"),
        ("priced_markets", "4"),
        ("priced_markets", "1"),
        ("priced_surfaces", "18446744073709551616"),
        ("parent_id", "07"),
        ("parent_id", "0707070707070707070707070707070G"),
        ("parent_id", "+7070707070707070707070707070707"),
        ("valid_until", "soon"),
        ("valid_until", "9223372036854775808"),
    ] {
        // With one priced market only, the ledger of market 0 still fits: the share of it is what differs then.
        if (key, value) != ("priced_markets", "1") {
            refused(&format!("{key} = {value}"), |f| f.metadata(key, value));
        }
    }
    refused("metadata that is no text", |f| f.metadata("certificate", 1));
    refused("metadata that is no map", |f| f.header["__metadata__"] = "text".into());
    refused("many metadata entries", |f| {
        for i in 0..300 {
            f.metadata(&format!("k{i}"), "v");
        }
    });
    refused("many tensors", |f| {
        for i in 0..100 {
            f.add_empty(&format!("t{i}"));
        }
    });
}

/// A header text that no map could hold.
fn refused_header(what: &str, edit: impl FnOnce(String) -> String) {
    let forged = Forged::of(good().to_bytes());
    let header = serde_json::Value::Object(forged.header.clone()).to_string();
    let edited = edit(header.clone());
    assert_ne!(edited, header, "{what}: the edit did something");
    let error = Policy::from_bytes(&forged.seal_with(&edited)).map(|_| ()).expect_err(what);
    assert_eq!(error.code(), "policy.corrupt", "{what}: {error}");
    assert!(error.to_string().len() < 1_000, "{what}: a message of {} bytes", error.to_string().len());
}

#[test]
fn wrong_headers_are_refused() {
    refused_header("a tensor twice", |h| h.replacen("\"campaign_end\":", "\"campaign_start\":", 1));
    refused_header("a tensor twice, once escaped", |h| h.replacen("\"campaign_end\":", "\"campaign_st\\u0061rt\":", 1));
    refused_header("metadata twice", |h| h.replacen("\"campaign_end\":", "\"__metadata__\":{},\"campaign_end\":", 1));
    refused_header("an entry twice", |h| h.replacen("\"format\":", "\"format\":\"x\",\"format\":", 1));
    refused_header("a dtype twice", |h| h.replacen("\"dtype\":", "\"dtype\":\"U8\",\"dtype\":", 1));
    refused_header("an unknown field", |h| h.replacen("\"dtype\":", "\"more\":1,\"dtype\":", 1));
    refused_header("three offsets", |h| h.replacen("\"data_offsets\":[0,", "\"data_offsets\":[0,0,", 1));
    refused_header("text after the header", |h| h + "{}");
    refused_header("space before the header", |h| format!(" {h}"));
    refused_header("an array", |h| format!("[{h}]"));
    refused_header("a lone surrogate", |h| h.replacen("certificate", "\\ud800", 1));
    refused_header("deep nesting", |h| h.replacen("\"shape\":[", &format!("\"shape\":[{}", "[".repeat(100_000)), 1));
    refused_header("a long name in the wrong place", |h| h.replacen("\"dtype\":", &format!("\"{}\":", "\\u001b[31m".repeat(20_000)), 1));

    let mut bytes = good().to_bytes().to_vec();
    for claim in [0, 1, 2, u64::MAX, u64::MAX - 7, 1 << 32, bytes.len() as u64] {
        bytes[..8].copy_from_slice(&claim.to_le_bytes());
        assert_eq!(code(&bytes), Err("policy.corrupt"), "a header of {claim} bytes");
    }
    let long = Forged::of(good().to_bytes()).seal_with(&format!("{{{}", " ".repeat(2 << 20)));
    assert_eq!(code(&long), Err("policy.limit"));
}

#[test]
fn versions() {
    let with = |format: &str, reader: &str, extra: bool| {
        let mut forged = Forged::of(good().to_bytes());
        forged.metadata("format_version", format);
        forged.metadata("min_reader", reader);
        if extra {
            forged.add_empty("from_the_future");
        }
        code(&forged.seal())
    };
    assert_eq!(with("1", "1", false), Ok(()));
    assert_eq!(with("2", "1", true), Ok(()), "newer, readable, with something this reader does not know");
    assert_eq!(with("2", "2", true), Err("policy.version"));
    assert_eq!(with("0", "0", false), Err("policy.version"));
}

#[test]
fn random_damage_never_panics() {
    let mut random = 99;
    let bytes = good().to_bytes().to_vec();
    let mut taken = 0;
    let files = soak::times(20_000);
    for _ in 0..files {
        let mut next = || {
            random = equipoise::model::mix(random);
            random
        };
        let mut forged = Forged::of(&bytes);
        for _ in 0..=next() % 3 {
            let at = next() as usize % forged.data.len();
            forged.data[at] = [0, 1, 0x7f, 0x80, 0xff, next() as u8][next() as usize % 6];
        }
        match code(&forged.seal()) {
            Ok(()) => taken += 1,
            Err(code) => assert_eq!(code, "policy.corrupt"),
        }
    }
    println!("executed {files} damaged files, {taken} of them were still policies");
    assert!(taken < files / 4 * 3);
}

#[test]
fn saved_and_loaded() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("policy.safetensors");
    let policy = good();
    policy.save(&path).expect("saved");
    assert_eq!(Policy::load(&path).expect("loaded"), policy);
    let later = policy.with_valid_until(1).expect("a good policy");
    later.save(&path).expect("saved over it");
    assert_eq!(Policy::load(&path).expect("loaded"), later);
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("a listing").map(|e| e.expect("an entry").file_name()).collect();
    assert_eq!(left, ["policy.safetensors"], "nothing is left beside it");

    let io = |e: equipoise::Error| (e.code(), e.argument().to_owned());
    let wanted = Err(("invalid_input.io", "path".to_owned()));
    assert_eq!(Policy::load(folder.path().join("missing")).map(|_| ()).map_err(io), wanted);
    assert_eq!(Policy::load(folder.path()).map(|_| ()).map_err(io), wanted);
    assert_eq!(policy.save(folder.path().join("no/such/folder")).map_err(io), wanted);
    assert_eq!(policy.save("/").map_err(io), wanted);
    std::fs::create_dir(folder.path().join("taken")).expect("a folder");
    assert_eq!(policy.save(folder.path().join("taken")).map_err(io), wanted, "a folder is not replaced");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a listing").count(), 2, "and nothing is left beside it");
}

#[test]
fn wrong_drafts_are_refused() {
    let refused = |code: &str, argument: &str, edit: &dyn Fn(&mut Draft)| {
        let mut wrong = draft();
        edit(&mut wrong);
        let error = Policy::new(&wrong).map(|_| ()).expect_err(argument);
        assert_eq!((error.code(), error.argument()), (code, argument), "{error}");
    };
    refused("invalid_input.shape", "weights", &|d| d.weights.truncate(1));
    refused("invalid_input.not_finite", "weights", &|d| d.weights[1] = f64::NAN);
    refused("invalid_input.range", "objectives", &|d| d.weights[1] = 2e12);
    refused("invalid_input.range", "objectives", &|d| d.measures[0] = "exposure".into());
    refused("invalid_input.range", "slate", &|d| d.slate.first_place = 0);
    refused("invalid_input.range", "ledger_price", &|d| d.ledgers[3].1 = -1.0);
    refused("invalid_input.range", "ledger_price", &|d| d.ledgers[3].1 = f64::NAN);
    refused("invalid_input.range", "ledger_key", &|d| d.ledgers[0].0.key = 3);
    refused("invalid_input.range", "ledger_goal", &|d| d.ledgers[0].0.goal = 2);
    refused("invalid_input.range", "tie_breadth", &|d| d.tie_breadth = -1.0);
    refused("invalid_input.duplicate", "metadata", &|d| drop(d.metadata.insert("slate".into(), "mine".into())));
    refused("policy.limit", "metadata", &|d| drop(d.metadata.insert("x".into(), "y".repeat(2 << 20))));
}

/// The first file of this format that was published: every reader of format 1 and 2 must take it. `EQUIPOISE_WRITE_GOLDEN=1` writes it where it is
/// missing, for the first version of a new format only.
#[test]
fn golden_file_of_format_1() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/policies/format-1.safetensors");
    if std::env::var_os("EQUIPOISE_WRITE_GOLDEN").is_some() && !std::path::Path::new(path).exists() {
        good().save(path).expect("written");
    }
    let golden = Policy::load(path).expect("the golden file is read");
    assert_eq!(golden.id_hex(), GOLDEN_ID);
    assert_eq!(golden.prices().map(|p| p.price).collect::<Vec<_>>(), draft().ledgers.iter().map(|l| l.1).collect::<Vec<_>>());
    assert_eq!(golden, good(), "while this is the current format, it is written the same way");
}

const GOLDEN_ID: &str = "cf7d4039fcdf0cb9eeceabc2afcbb1ea";

/// A draft whose second campaign has a frequency cap.
fn capped() -> Policy {
    let mut draft = draft();
    let cap = |c: &equipoise::model::Campaign| equipoise::model::Campaign { frequency_cap: (c.id == "b").then_some(3), ..c.clone() };
    draft.campaigns = equipoise::Campaigns::new(draft.campaigns.iter().map(cap).collect()).expect("good campaigns");
    Policy::new(&draft).expect("a good draft")
}

#[test]
fn frequency_caps_are_a_column_only_where_there_are_any() {
    let policy = capped();
    let again = Policy::from_bytes(policy.to_bytes()).expect("a good file");
    assert_eq!([0, 1, 2].map(|c| again.roster().frequency_cap(c)), [None, Some(3), None]);
    assert_eq!(good().roster().frequency_cap(1), None);
    let name = "campaign_frequency_cap";
    assert!(Forged::of(policy.to_bytes()).header.contains_key(name) && !Forged::of(good().to_bytes()).header.contains_key(name));
    for value in [0_u32, u32::MAX] {
        let mut forged = Forged::of(policy.to_bytes());
        let at = forged.header[name]["data_offsets"][0].as_u64().expect("an offset") as usize + 4;
        forged.data[at..at + 4].copy_from_slice(&value.to_le_bytes());
        let error = Policy::from_bytes(&forged.seal()).expect_err("a cap of nothing, and a column without caps");
        assert_eq!(error.code(), "policy.corrupt");
    }
}

#[test]
fn slate_rules_out_of_range_are_refused() {
    let refused = |change: &dyn Fn(&mut Slate)| {
        let mut draft = draft();
        change(&mut draft.slate);
        Policy::new(&draft).map(|_| ()).map_err(|e| (e.code(), e.argument().to_owned()))
    };
    let wrong = Err(("invalid_input.range", "slate".to_owned()));
    assert_eq!(refused(&|s| s.fixed_places = vec![2, 5, 9]), Ok(()));
    assert_eq!(refused(&|s| s.fixed_places = vec![5, 5]), wrong);
    assert_eq!(refused(&|s| s.fixed_places = vec![0, 5]), wrong);
    assert_eq!(refused(&|s| s.max_promoted = Some(256)), wrong);
    assert_eq!(refused(&|s| s.relevance_floor_share = Some(1.5)), wrong);
    assert_eq!(refused(&|s| s.relevance_floor = Some(f64::NAN)), wrong);
    assert_eq!(refused(&|s| s.diversity = Some(-1.0)), wrong);
    let explored = |temperature| Some(Exploration { temperature: Some(temperature), ..Exploration::default() });
    assert_eq!(refused(&|s| s.exploration = explored(0.5)), Ok(()));
    assert_eq!(refused(&|s| s.exploration = explored(0.0)), wrong);
}
