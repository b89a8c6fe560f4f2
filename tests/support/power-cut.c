#include "tests/support/power-cut.h"

#include <stdarg.h>

#include "image-format/file.h"
#include "tests/support/key-set.h"
#include "tests/support/memory-file.h"
#include "tests/support/must.h"
#include "tests/support/power-cut-state.h"
#include "tests/support/random.h"

struct walk {
    const struct trace *trace;
    const struct power_cut_options *options;
    power_cut_visit *visit;
    void *context;
    struct file *flushed; /* a memory file: all that came before the last flush */
    uint64_t flushed_key; /* its key */
    size_t end;           /* the operations from here on didn't happen */
    size_t *pending;      /* those before it that no flush has made durable, ascending */
    size_t pending_count;
    bool order_matters;    /* two of the pending ones interfere */
    struct survivor *list; /* the state that is being put together */
    size_t list_count;
    struct key_set seen;
    uint64_t random;
    struct power_cut_counts counts;
};

static void add(struct walk *walk, size_t operation, enum survival survival, uint64_t argument)
{
    walk->list[walk->list_count++] = (struct survivor){operation, survival, argument};
}

/* Adds those of the pending ones, counted from 0. */
static void add_range(struct walk *walk, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        add(walk, walk->pending[i], SURVIVED_WHOLE, 0);
}

/* Shows the state in the list to the visitor, unless it was there before; empties the list. */
static int try_list(struct walk *walk, const char *format, ...)
{
    uint64_t key = survivors_key(walk->flushed_key, walk->list, walk->list_count);
    size_t count = walk->list_count;
    struct file *state;
    va_list arguments;
    char what[160];
    int written;

    walk->list_count = 0;
    if (!key_set_add(&walk->seen, key))
        return 0;
    written = snprintf(what, sizeof what, "power cut after operation %zu of %zu, ", walk->end,
                       walk->trace->count);
    va_start(arguments, format);
    vsnprintf(what + written, sizeof what - (size_t)written, format, arguments);
    va_end(arguments);
    state = memory_file_snapshot(walk->flushed);
    survivors_apply(state, walk->trace, walk->list, count);
    walk->counts.states++;
    return walk->visit(state, what, walk->context);
}

/* True for limit of the numbers below count, evenly spaced; for all where limit is 0. */
static bool is_sampled(size_t number, size_t count, size_t limit)
{
    return limit == 0 || count <= limit || number * limit / count != (number + 1) * limit / count;
}

static int try_firsts(struct walk *walk)
{
    size_t pending = walk->pending_count;

    for (size_t i = 1; i < pending; i++) {
        if (!is_sampled(i, pending, walk->options->state_limit))
            continue;
        add_range(walk, 0, i);
        if (try_list(walk, "the first %zu of %zu pending ones", i, pending))
            return -1;
    }
    return 0;
}

static int try_singles(struct walk *walk)
{
    size_t pending = walk->pending_count;

    for (size_t i = 0; i < pending; i++) {
        if (!is_sampled(i, pending, walk->options->state_limit))
            continue;
        add(walk, walk->pending[i], SURVIVED_WHOLE, 0);
        if (try_list(walk, "operation %zu alone of %zu pending ones", walk->pending[i], pending))
            return -1;
    }
    return 0;
}

static int try_all_but_singles(struct walk *walk)
{
    size_t pending = walk->pending_count;

    for (size_t i = 0; i < pending; i++) {
        if (!is_sampled(i, pending, walk->options->state_limit))
            continue;
        add_range(walk, 0, i);
        add_range(walk, i + 1, pending);
        if (try_list(walk, "all %zu pending ones but operation %zu", pending, walk->pending[i]))
            return -1;
    }
    return 0;
}

static int try_last_torn(struct walk *walk)
{
    size_t index = walk->pending[walk->pending_count - 1];
    const struct operation *last = &walk->trace->operations[index];
    uint64_t sectors = operation_sectors(last);
    const struct survivor ways[] = {
        {index, SURVIVED_HEAD, 1},
        {index, SURVIVED_TAIL, 1},
        {index, SURVIVED_HEAD, sectors - 1},
        {index, SURVIVED_LENGTH, 0},
    };

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        if (ways[i].survival == SURVIVED_LENGTH ? !last->extends : sectors < 2)
            continue;
        add_range(walk, 0, walk->pending_count - 1);
        add(walk, ways[i].operation, ways[i].survival, ways[i].argument);
        if (try_list(walk, "all pending ones, the last torn in way %zu", i))
            return -1;
    }
    return 0;
}

static int try_reverse(struct walk *walk)
{
    if (!walk->order_matters)
        return 0;
    for (size_t i = walk->pending_count; i-- > 0;)
        add(walk, walk->pending[i], SURVIVED_WHOLE, 0);
    return try_list(walk, "all pending ones in reverse order");
}

/* Adds what came through of one operation, at random. */
static void add_random(struct walk *walk, size_t index)
{
    const struct operation *operation = &walk->trace->operations[index];
    uint64_t sectors = operation_sectors(operation);
    uint64_t bits = sectors < SCATTER_BITS ? sectors : SCATTER_BITS;

    switch (sectors > 1 ? random_below(&walk->random, 8) : 0) {
    case 3:
        add(walk, index, SURVIVED_HEAD, 1 + random_below(&walk->random, sectors - 1));
        break;
    case 4:
        add(walk, index, SURVIVED_TAIL, 1 + random_below(&walk->random, sectors - 1));
        break;
    case 5:
    case 6:
        add(walk, index, SURVIVED_SCATTER, random_below(&walk->random, UINT64_C(1) << bits));
        break;
    case 7:
        add(walk, index, operation->extends ? SURVIVED_LENGTH : SURVIVED_WHOLE, 0);
        break;
    default:
        add(walk, index, SURVIVED_WHOLE, 0);
        break;
    }
}

static void shuffle_list(struct walk *walk)
{
    for (size_t left = walk->list_count; left > 1; left--) {
        size_t other = (size_t)random_below(&walk->random, left);
        struct survivor moved = walk->list[other];

        walk->list[other] = walk->list[left - 1];
        walk->list[left - 1] = moved;
    }
}

static int try_random(struct walk *walk)
{
    for (size_t n = 0; n < walk->options->random_states; n++) {
        uint64_t eighths = 1 + random_below(&walk->random, 8);
        const char *order = "";

        for (size_t i = 0; i < walk->pending_count; i++)
            if (random_below(&walk->random, 8) < eighths)
                add_random(walk, walk->pending[i]);
        if (walk->order_matters && random_below(&walk->random, 2)) {
            shuffle_list(walk);
            order = ", shuffled";
        }
        if (try_list(walk, "random state %zu%s", n, order))
            return -1;
    }
    return 0;
}

/* The systematic states and the random ones of the cut at walk->end. */
static int try_cut(struct walk *walk)
{
    size_t pending = walk->pending_count;

    walk->counts.cuts++;
    if (try_list(walk, "nothing pending"))
        return -1;
    if (pending == 0)
        return 0;
    add_range(walk, 0, pending);
    if (try_list(walk, "all %zu pending ones", pending))
        return -1;
    if (try_last_torn(walk) || try_reverse(walk))
        return -1;
    if (try_firsts(walk) || try_singles(walk) || try_all_but_singles(walk))
        return -1;
    return try_random(walk);
}

static bool interferes(const struct walk *walk, const struct operation *operation)
{
    for (size_t i = 0; i < walk->pending_count; i++)
        if (operations_interfere(&walk->trace->operations[walk->pending[i]], operation))
            return true;
    return false;
}

/* The pending ones of the file or of its side file are pending no longer; with apply, because
 * they are durable, else because what they were done to is gone. */
static void settle(struct walk *walk, bool is_side, bool apply)
{
    size_t left = 0;

    for (size_t i = 0; i < walk->pending_count; i++) {
        if (walk->trace->operations[walk->pending[i]].is_side != is_side)
            walk->pending[left++] = walk->pending[i];
        else if (apply)
            add(walk, walk->pending[i], SURVIVED_WHOLE, 0);
    }
    walk->pending_count = left;
    walk->flushed_key = survivors_key(walk->flushed_key, walk->list, walk->list_count);
    survivors_apply(walk->flushed, walk->trace, walk->list, walk->list_count);
    walk->list_count = 0;
    walk->order_matters = false;
    for (size_t i = left; i > 1; i--) {
        walk->pending_count = i - 1;
        walk->order_matters |= interferes(walk, &walk->trace->operations[walk->pending[i - 1]]);
    }
    walk->pending_count = left;
}

/* A side file is made or removed, which is durable at once. */
static void change_side(struct walk *walk, size_t index)
{
    const struct survivor done = {index, SURVIVED_WHOLE, 0};

    if (walk->trace->operations[index].kind == OPERATION_REMOVE_SIDE)
        settle(walk, true, false);
    walk->flushed_key = survivors_key(walk->flushed_key, &done, 1);
    operation_apply_side(walk->flushed, &walk->trace->operations[index]);
}

/* Takes in the operation at walk->end. */
static void advance(struct walk *walk)
{
    size_t index = walk->end++;
    const struct operation *operation = &walk->trace->operations[index];

    switch (operation->kind) {
    case OPERATION_WRITE:
    case OPERATION_SET_SIZE:
        walk->order_matters = walk->order_matters || interferes(walk, operation);
        walk->pending[walk->pending_count++] = index;
        break;
    case OPERATION_FLUSH:
        settle(walk, operation->is_side, true);
        break;
    case OPERATION_CREATE_SIDE:
    case OPERATION_REMOVE_SIDE:
        change_side(walk, index);
        break;
    }
}

static int walk_cuts(struct walk *walk)
{
    size_t cuts = walk->trace->count + 1;

    for (size_t cut = 0;; cut++) {
        if ((cut == 0 || cut + 1 == cuts || is_sampled(cut, cuts, walk->options->cut_limit)) &&
            try_cut(walk))
            return -1;
        if (cut == walk->trace->count)
            return 0;
        advance(walk);
    }
}

/* Remembers what the visitor said, whose own words the walk's -1 would hide. */
struct witness {
    power_cut_visit *visit;
    void *context;
    int result;
};

static int ask_witness(struct file *state, const char *what, void *context)
{
    struct witness *witness = context;

    witness->result = witness->visit(state, what, witness->context);
    return witness->result;
}

int power_cut_walk(const struct trace *trace, const struct power_cut_options *options,
                   power_cut_visit *visit, void *context, struct power_cut_counts *ret_counts)
{
    struct witness witness = {visit, context, 0};
    struct walk walk = {
        .trace = trace,
        .options = options,
        .visit = ask_witness,
        .context = &witness,
        .flushed = memory_file_snapshot(trace->start),
        .pending = must_allocate((trace->count + 1) * sizeof *walk.pending),
        .list = must_allocate((trace->count + 1) * sizeof *walk.list),
        .random = options->seed,
    };

    walk_cuts(&walk);
    if (ret_counts)
        *ret_counts = walk.counts;
    file_close(walk.flushed);
    key_set_clear(&walk.seen);
    free(walk.list);
    free(walk.pending);
    return witness.result;
}
