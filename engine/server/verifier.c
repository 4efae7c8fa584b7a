#include "server/verifier.h"

#include <pthread.h>

#define TAKEN_NS (5 * NS_PER_S)  // an answer that nobody has taken until then is not wanted any more

typedef enum PlaceState {
    PLACE_FREE,
    PLACE_WAITING,
    PLACE_WORKING,
    PLACE_DONE,  // until it is taken, or TAKEN_NS later: whoever asked may have gone
} PlaceState;

typedef struct Place {
    PlaceState state;
    uint64_t id;
    int64_t done_at;  // elapsed time
    PasswordTry try;
} Place;

struct Verifier {
    void (*wake)(void *self);
    void *self;
    pthread_t thread;
    bool running;

    pthread_mutex_t lock;  // of all below; never held while a password is hashed
    pthread_cond_t asked;
    bool stopping;
    uint64_t last_id;
    Place places[VERIFIER_TRIES_MAX];
};

static Place *find_oldest(Verifier *verifier, PlaceState state)
{
    Place *oldest = NULL;
    for (size_t i = 0; i < VERIFIER_TRIES_MAX; i++) {
        Place *place = &verifier->places[i];
        if (place->state == state && (!oldest || place->id < oldest->id))
            oldest = place;
    }
    return oldest;
}

static void work_on(Verifier *verifier, Place *place)
{
    place->state = PLACE_WORKING;
    pthread_mutex_unlock(&verifier->lock);
    PasswordTry *try = &place->try;
    try->fits = password_fits(try->password, try->hash) && try->known;
    secret_wipe(try->password, sizeof try->password);
    pthread_mutex_lock(&verifier->lock);
    place->state = PLACE_DONE;
    place->done_at = clock_system.elapsed_ns(clock_system.self);
    verifier->wake(verifier->self);
}

static void *verify(void *self)
{
    Verifier *verifier = self;
    pthread_mutex_lock(&verifier->lock);
    while (!verifier->stopping) {
        Place *place = find_oldest(verifier, PLACE_WAITING);
        if (place)
            work_on(verifier, place);
        else
            pthread_cond_wait(&verifier->asked, &verifier->lock);
    }
    pthread_mutex_unlock(&verifier->lock);
    return NULL;
}

Err verifier_create(void (*wake)(void *self), void *self, Verifier **out)
{
    Verifier *verifier = mem_alloc(sizeof *verifier);
    if (!verifier)
        return ERR_MEMORY;
    verifier->wake = wake;
    verifier->self = self;
    pthread_mutex_init(&verifier->lock, NULL);
    pthread_cond_init(&verifier->asked, NULL);
    verifier->running = pthread_create(&verifier->thread, NULL, verify, verifier) == 0;
    if (!verifier->running) {
        verifier_destroy(verifier);
        return ERR_MEMORY;
    }
    *out = verifier;
    return ERR_OK;
}

void verifier_destroy(Verifier *verifier)
{
    if (!verifier)
        return;
    pthread_mutex_lock(&verifier->lock);
    verifier->stopping = true;
    pthread_cond_signal(&verifier->asked);
    pthread_mutex_unlock(&verifier->lock);
    if (verifier->running)
        pthread_join(verifier->thread, NULL);
    pthread_cond_destroy(&verifier->asked);
    pthread_mutex_destroy(&verifier->lock);
    secret_wipe(verifier, sizeof *verifier);
    mem_free(verifier);
}

static Place *find_free(Verifier *verifier)
{
    Place *place = find_oldest(verifier, PLACE_FREE), *done = find_oldest(verifier, PLACE_DONE);
    if (!place && done && clock_system.elapsed_ns(clock_system.self) - done->done_at > TAKEN_NS)
        place = done;
    return place;
}

uint64_t verifier_ask(Verifier *verifier, const PasswordTry *try)
{
    uint64_t id = 0;
    pthread_mutex_lock(&verifier->lock);
    Place *place = find_free(verifier);
    if (place) {
        id = ++verifier->last_id;
        *place = (Place){.state = PLACE_WAITING, .id = id, .try = *try};
        pthread_cond_signal(&verifier->asked);
    }
    pthread_mutex_unlock(&verifier->lock);
    return id;
}

static Place *find_done(Verifier *verifier, uint64_t id)
{
    for (size_t i = 0; i < VERIFIER_TRIES_MAX; i++)
        if (verifier->places[i].id == id && verifier->places[i].state == PLACE_DONE)
            return &verifier->places[i];
    return NULL;
}

bool verifier_has_answer(Verifier *verifier, uint64_t id)
{
    pthread_mutex_lock(&verifier->lock);
    const bool done = find_done(verifier, id) != NULL;
    pthread_mutex_unlock(&verifier->lock);
    return done;
}

bool verifier_take(Verifier *verifier, uint64_t id, PasswordTry *out)
{
    pthread_mutex_lock(&verifier->lock);
    Place *place = find_done(verifier, id);
    if (place) {
        *out = place->try;
        place->state = PLACE_FREE;
    }
    pthread_mutex_unlock(&verifier->lock);
    return place != NULL;
}
