//! What only some requests bring, as arrays that Java hands over: counts, uncertainties, categories, similarities.

use crate::error::Fault;
use crate::workspace::WORKSPACES;
use equipoise::error::{Error, codes};
use equipoise::score::{Mix, Request, Similarity};
use jni::Env;
use jni::objects::{JClass, JFloatArray, JIntArray};
use jni::sys::{jint, jlong};

/// Flags of `score`, and what `option` sets. The numbers are those of `Native.java`.
const FREQUENCY: jint = 32;
const UNCERTAINTY: jint = 64;
const MIX: jint = 128;
const EMBEDDINGS: jint = 256;
const SIMILARITY: jint = 512;
const CERTAIN: jint = 1024;
const DROP_INVALID: jint = 2048;
const ANY: jint = FREQUENCY | UNCERTAINTY | MIX | EMBEDDINGS | SIMILARITY | CERTAIN | DROP_INVALID;

/// Copies that last until they are set again; the flags of a score say which of them count.
#[derive(Default)]
pub(crate) struct Options {
    frequency: Vec<jint>,
    uncertainty: Vec<f32>,
    category: Vec<jint>,
    target: Vec<f32>,
    similarity: Vec<f32>,
    width: usize,
    /// The same bits as Java's, unsigned.
    counts: Vec<u32>,
    categories: Vec<u32>,
}

impl Options {
    /// Adds what `flags` say is there to a request.
    #[inline]
    pub(crate) fn add<'a>(&'a self, flags: jint, request: &mut Request<'a>) {
        if flags & ANY != 0 {
            self.add_given(flags, request);
        }
    }

    #[inline(never)]
    fn add_given<'a>(&'a self, flags: jint, request: &mut Request<'a>) {
        let given = |flag: jint| flags & flag != 0;
        request.frequency = given(FREQUENCY).then_some(&self.counts);
        request.uncertainty = given(UNCERTAINTY).then_some(&self.uncertainty);
        request.mix = given(MIX).then_some(Mix { category: &self.categories, target: &self.target });
        request.similarity = if given(EMBEDDINGS) {
            Some(Similarity::Embeddings { values: &self.similarity, width: self.width })
        } else {
            given(SIMILARITY).then_some(Similarity::Pairs { values: &self.similarity })
        };
        request.explore = !given(CERTAIN);
        request.drop_invalid = given(DROP_INVALID);
    }

    /// Copies the arrays that `what` is made of.
    fn take(&mut self, env: &Env, what: jint, ints: &JIntArray, floats: &JFloatArray, width: usize) -> std::result::Result<(), Fault> {
        let counts = if ints.is_null() { 0 } else { ints.len(env)? };
        let amounts = if floats.is_null() { 0 } else { floats.len(env)? };
        self.width = if what == EMBEDDINGS { width } else { self.width };
        let unsigned = |own: &mut Vec<jint>, unsigned: &mut Vec<u32>| {
            copy(own, counts, |to| Ok(ints.get_region(env, 0, to)?))?;
            copy(unsigned, counts, |to| {
                to.iter_mut().zip(own).for_each(|(to, from)| *to = *from as u32);
                Ok(())
            })
        };
        match what {
            FREQUENCY => unsigned(&mut self.frequency, &mut self.counts)?,
            MIX => unsigned(&mut self.category, &mut self.categories)?,
            _ => {}
        }
        let own = match what {
            UNCERTAINTY => &mut self.uncertainty,
            MIX => &mut self.target,
            EMBEDDINGS | SIMILARITY => &mut self.similarity,
            _ => return Ok(()),
        };
        copy(own, amounts, |to| Ok(floats.get_region(env, 0, to)?))
    }
}

/// Copies the arrays that `what` is made of; the others are null.
pub(crate) fn set<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    workspace: jlong,
    what: jint,
    ints: JIntArray<'local>,
    floats: JFloatArray<'local>,
    width: jint,
) -> std::result::Result<(), Fault> {
    let width = usize::try_from(width).map_err(|_| Error::new(codes::RANGE, "width", None, format!("is {width}")))?;
    let mut taken = Ok(());
    WORKSPACES.exclusively(workspace, |state| {
        state.forget();
        taken = state.options().take(env, what, &ints, &floats, width);
        Ok(())
    })?;
    taken
}

/// Fills a list of `n` anew; it is empty after an error.
fn copy<T: Copy + Default>(
    list: &mut Vec<T>,
    n: usize,
    fill: impl FnOnce(&mut [T]) -> std::result::Result<(), Fault>,
) -> std::result::Result<(), Fault> {
    list.clear();
    list.try_reserve(n).map_err(|_| Error::new(codes::MEMORY, "option", None, format!("no memory for {n} entries")))?;
    list.resize(n, T::default());
    // An array of Java may be null where it is empty.
    let filled = if n > 0 { fill(list) } else { Ok(()) };
    if filled.is_err() {
        list.clear();
    }
    filled
}
