//! Decision records as arrays of Java.

use crate::argument::text;
use crate::error::Fault;
use crate::policy::{POLICIES, strings};
use crate::workspace::WORKSPACES;
use equipoise::memory::spared;
use equipoise::score::{DecisionRecord, RecordedCandidates, Recording};
use jni::Env;
use jni::objects::{JByteArray, JClass, JObject, JObjectArray, JString};
use jni::sys::{jint, jlong};

/// Flags of `record`. The numbers are those of `Native.java`.
const TERMS: jint = 1;
const CANDIDATES: jint = 2;

type Objects<'local> = JObjectArray<'local>;

fn texts<'local>(env: &mut Env<'local>, list: &[Option<String>]) -> std::result::Result<JObjectArray<'local, JString<'local>>, Fault> {
    let array = JObjectArray::<JString>::new(env, list.len(), JString::null())?;
    for (i, text) in list.iter().enumerate() {
        if let Some(text) = text {
            let text = env.new_string(text)?;
            array.set_element(env, i, &text)?;
            env.delete_local_ref(text);
        }
    }
    Ok(array)
}

macro_rules! numbers {
    ($env:ident, $new:ident, $list:expr) => {{
        let list = $list;
        let array = $env.$new(list.len())?;
        array.set_region($env, 0, list)?;
        array
    }};
}

/// What `Native.record` says, in its order.
pub(crate) fn record<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    workspace: jlong,
    what: jint,
) -> std::result::Result<Objects<'local>, Fault> {
    let what = Recording { terms: what & TERMS != 0, candidates: what & CANDIDATES != 0 };
    arrays(env, WORKSPACES.exclusively(workspace, |state| state.record(what))?)
}

fn read<'local>(env: &mut Env<'local>, json: &JByteArray<'local>) -> std::result::Result<DecisionRecord, Fault> {
    Ok(DecisionRecord::from_json(&text(env, json, "record")?)?)
}

/// The record that a JSON text holds.
pub(crate) fn parse<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    json: JByteArray<'local>,
) -> std::result::Result<Objects<'local>, Fault> {
    let record = read(env, &json)?;
    arrays(env, record)
}

/// Decides a record again by its policy.
pub(crate) fn replay<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    policy: jlong,
    json: JByteArray<'local>,
) -> std::result::Result<Objects<'local>, Fault> {
    let again = read(env, &json)?.replay(&POLICIES.get(policy)?)?;
    arrays(env, again)
}

fn arrays<'local>(env: &mut Env<'local>, record: DecisionRecord) -> std::result::Result<Objects<'local>, Fault> {
    // Columns are copied where Java has another type for them.
    let values = record.candidates.as_ref().map_or(0, |given| given.measures.len() + 4 * given.campaign.len());
    spared("record", 8 * values, || copied(env, record))
}

fn copied<'local>(env: &mut Env<'local>, r: DecisionRecord) -> std::result::Result<Objects<'local>, Fault> {
    let out = JObjectArray::<JObject>::new(env, 19, JObject::null())?;
    let head = texts(env, &[Some(r.policy_id), r.market, r.surface])?;
    out.set_element(env, 0, &head)?;
    let slots = r.slots.map_or(-1, i64::from);
    let time = r.time.unwrap_or_default();
    let longs = numbers!(env, new_long_array, &[r.key, i64::from(r.time.is_some()), time, slots, i64::from(r.explore)]);
    out.set_element(env, 1, &longs)?;
    let references = numbers!(env, new_float_array, &[r.reference.unwrap_or(f32::NAN), r.used_reference.unwrap_or(f32::NAN)]);
    out.set_element(env, 2, &references)?;
    let doubles = numbers!(env, new_double_array, &[r.propensity, r.given_up]);
    out.set_element(env, 3, &doubles)?;
    for (at, list) in [(4, &r.pick), (5, &r.place), (6, &r.organic_rank), (14, &r.term_pick)] {
        let array = numbers!(env, new_int_array, list);
        out.set_element(env, at, &array)?;
    }
    let scores = numbers!(env, new_float_array, &r.score);
    out.set_element(env, 7, &scores)?;
    for (at, list) in [(8, &r.pick_propensity), (17, &r.term_amount)] {
        let array = numbers!(env, new_double_array, list);
        out.set_element(env, at, &array)?;
    }
    for (at, list) in [(9, &r.campaign), (13, &r.main_parameters), (15, &r.term_name), (16, &r.term_kind)] {
        let array = strings(env, list.iter())?;
        out.set_element(env, at, &array)?;
    }
    for (at, list) in [(10, &r.artist), (11, &r.label), (12, &r.licensor)] {
        let array = texts(env, list)?;
        out.set_element(env, at, &array)?;
    }
    if let Some(given) = r.candidates {
        let candidates = candidates(env, &given)?;
        out.set_element(env, 18, &candidates)?;
    }
    Ok(out)
}

fn candidates<'local>(env: &mut Env<'local>, given: &RecordedCandidates) -> std::result::Result<Objects<'local>, Fault> {
    let out = JObjectArray::<JObject>::new(env, 13, JObject::null())?;
    let campaign = texts(env, &given.campaign)?;
    out.set_element(env, 0, &campaign)?;
    let reason = strings(env, given.reason.iter())?;
    out.set_element(env, 1, &reason)?;
    let measures: Vec<f32> = given.measures.iter().map(|y| y.unwrap_or(f32::NAN)).collect();
    let floats = [
        (2, Some(&given.score)),
        (3, Some(&measures)),
        (4, given.organic.as_ref()),
        (5, given.uncertainty.as_ref()),
        (6, given.target.as_ref()),
        (7, given.similarity.as_ref()),
    ];
    for (at, list) in floats.into_iter().filter_map(|(at, list)| list.map(|list| (at, list))) {
        let array = numbers!(env, new_float_array, list);
        out.set_element(env, at, &array)?;
    }
    let plain = |list: &Vec<Option<i64>>| list.iter().map(|v| v.unwrap_or(-1)).collect::<Vec<i64>>();
    let longs = [
        (8, given.item.as_ref().map(plain)),
        (9, given.artist.as_ref().map(plain)),
        (10, given.frequency.clone()),
        (11, given.category.as_ref().map(plain)),
        (12, given.embedding_width.map(|width| vec![i64::from(width)])),
    ];
    for (at, list) in longs.into_iter().filter_map(|(at, list)| list.map(|list| (at, list))) {
        let array = numbers!(env, new_long_array, &list);
        out.set_element(env, at, &array)?;
    }
    Ok(out)
}
