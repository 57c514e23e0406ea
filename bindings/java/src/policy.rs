//! Policies as Java sees them: a handle, and look-ups by UTF-8 text.

use crate::argument::{bytes as bytes_of, optional, text};
use crate::error::Fault;
use crate::table::Table;
use equipoise::error::{Error, codes};
use equipoise::memory::spared;
use equipoise::policy::{Lineage, Policy, UNKNOWN, parse_id};
use jni::Env;
use jni::objects::{JByteArray, JClass, JIntArray, JObjectArray, JString};
use jni::sys::{jint, jlong};

/// Every policy that Java holds.
pub(crate) static POLICIES: Table<Policy> = Table::new(1, "policy");

/// What `index` looks names up in; the numbers are those of `Native.java`.
const MARKET: jint = 0;
const SURFACE: jint = 1;
const MEASURE: jint = 2;

pub(crate) fn load<'local>(env: &mut Env<'local>, _class: JClass<'local>, path: JByteArray<'local>) -> Result<jlong, Fault> {
    let path = text(env, &path, "path")?;
    Ok(POLICIES.insert(Policy::load(path)?)?)
}

pub(crate) fn from_bytes<'local>(env: &mut Env<'local>, _class: JClass<'local>, bytes: JByteArray<'local>) -> Result<jlong, Fault> {
    let bytes = bytes_of(env, &bytes, "bytes")?;
    Ok(POLICIES.insert(Policy::from_bytes(&bytes)?)?)
}

pub(crate) fn empty<'local>(_env: &mut Env<'local>, _class: JClass<'local>) -> Result<jlong, Fault> {
    Ok(POLICIES.insert(Policy::empty())?)
}

pub(crate) fn release<'local>(_env: &mut Env<'local>, _class: JClass<'local>, policy: jlong) -> Result<(), Fault> {
    POLICIES.release(policy);
    Ok(())
}

pub(crate) fn id<'local>(env: &mut Env<'local>, _class: JClass<'local>, policy: jlong) -> Result<JString<'local>, Fault> {
    Ok(env.new_string(POLICIES.get(policy)?.id_hex())?)
}

pub(crate) fn size<'local>(_env: &mut Env<'local>, _class: JClass<'local>, policy: jlong) -> Result<jint, Fault> {
    Ok(POLICIES.get(policy)?.roster().len() as jint)
}

pub(crate) fn measures<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    policy: jlong,
) -> Result<JObjectArray<'local, JString<'local>>, Fault> {
    strings(env, POLICIES.get(policy)?.measures())
}

/// The canonical bytes of the file.
pub(crate) fn bytes<'local>(env: &mut Env<'local>, _class: JClass<'local>, policy: jlong) -> Result<JByteArray<'local>, Fault> {
    Ok(env.byte_array_from_slice(POLICIES.get(policy)?.to_bytes())?)
}

pub(crate) fn save<'local>(env: &mut Env<'local>, _class: JClass<'local>, policy: jlong, path: JByteArray<'local>) -> Result<(), Fault> {
    let path = text(env, &path, "path")?;
    Ok(POLICIES.get(policy)?.save(path)?)
}

pub(crate) fn with_valid_until<'local>(
    _env: &mut Env<'local>,
    _class: JClass<'local>,
    policy: jlong,
    micros: jlong,
) -> Result<jlong, Fault> {
    Ok(POLICIES.insert(POLICIES.get(policy)?.with_valid_until(micros)?)?)
}

/// A null text is none; so is an epoch below 0.
pub(crate) fn with_lineage<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    policy: jlong,
    programme: JByteArray<'local>,
    epoch: jlong,
    parent: JByteArray<'local>,
) -> Result<jlong, Fault> {
    let programme = optional(env, &programme, "programme")?;
    let parent = optional(env, &parent, "parent")?.map(|id| parse_id(&id)).transpose()?;
    let lineage = Lineage { programme, epoch: u64::try_from(epoch).ok(), parent };
    Ok(POLICIES.insert(POLICIES.get(policy)?.with_lineage(&lineage)?)?)
}

/// Everything that travels along as text: key, value, key, value, ...
pub(crate) fn metadata<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    policy: jlong,
) -> Result<JObjectArray<'local, JString<'local>>, Fault> {
    let policy = POLICIES.get(policy)?;
    strings(env, policy.metadata().iter().flat_map(|(key, value)| [key, value]).collect::<Vec<_>>())
}

/// Looks up `count` ids in one call: id `i` ends at `ends[i]` of `text` and starts where the one before ends.
pub(crate) fn rows<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    policy: jlong,
    text: JByteArray<'local>,
    ends: JIntArray<'local>,
    out: JIntArray<'local>,
    count: jint,
) -> Result<jint, Fault> {
    let policy = POLICIES.get(policy)?;
    let length = ends.len(env)?.min(out.len(env)?);
    let count = usize::try_from(count).ok().filter(|n| *n <= length);
    let count = count.ok_or_else(|| Error::new(codes::SHAPE, "count", None, "passes an array"))?;
    let text = bytes_of(env, &text, "ids")?;
    spared("ids", 32 * count, || find(env, &policy, &text, &ends, &out, count))
}

fn find(env: &Env, policy: &Policy, text: &[u8], ends: &JIntArray, out: &JIntArray, count: usize) -> Result<jint, Fault> {
    let mut ends_read = vec![0; count];
    ends.get_region(env, 0, &mut ends_read)?;
    let mut ids = Vec::with_capacity(ends_read.len());
    let mut start = 0;
    for (i, end) in ends_read.into_iter().enumerate() {
        let bytes = text.get(start..end as usize).ok_or_else(|| Error::new(codes::SHAPE, "ids", Some(i as u64), "ends out of order"))?;
        start = end as usize;
        ids.push(std::str::from_utf8(bytes).map_err(|e| Error::new(codes::UNICODE, "ids", Some(i as u64), e.to_string()))?);
    }
    let rows: Vec<jint> = policy.rows(&ids).into_iter().map(|row| row as jint).collect();
    out.set_region(env, 0, &rows)?;
    Ok(rows.iter().filter(|row| **row as u32 == UNKNOWN).count() as jint)
}

pub(crate) fn index<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    policy: jlong,
    what: jint,
    name: JByteArray<'local>,
) -> Result<jint, Fault> {
    let policy = POLICIES.get(policy)?;
    let name = text(env, &name, "name")?;
    Ok(match what {
        MARKET => policy.market(&name) as jint,
        SURFACE => policy.surface(&name) as jint,
        MEASURE => policy.measure(&name).map_or(-1, |j| j as jint),
        _ => -1,
    })
}

/// A Java array of strings.
pub(crate) fn strings<'local, S: AsRef<str>>(
    env: &mut Env<'local>,
    names: impl IntoIterator<Item = S, IntoIter: ExactSizeIterator>,
) -> Result<JObjectArray<'local, JString<'local>>, Fault> {
    let names = names.into_iter();
    let array = JObjectArray::<JString>::new(env, names.len(), JString::null())?;
    for (i, name) in names.enumerate() {
        let name = env.new_string(name)?;
        array.set_element(env, i, &name)?;
        env.delete_local_ref(name);
    }
    Ok(array)
}
