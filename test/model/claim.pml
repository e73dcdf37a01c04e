/*
 * draft
 */
#ifndef REPLICAS
#define REPLICAS 2
#endif
#ifndef RUNS
#define RUNS 1
#endif
#ifndef MOVES_MAX
#define MOVES_MAX 2
#endif
#ifndef DEATHS_MAX
#define DEATHS_MAX 1
#endif
#ifndef FAULTS_MAX
#define FAULTS_MAX 1
#endif
#ifndef LEAVES_MAX
#define LEAVES_MAX 0
#endif
#define ATTEMPTS_MAX 2
#define CLAIMS 2
#define NOBODY REPLICAS
#define BIT(n) (1 << (n))

/* The rows. */
byte dead = 0;
byte left = 0;
byte owner = 0;
byte target = NOBODY;
byte epoch = 0;
byte claim[REPLICAS * CLAIMS];
byte claimLocked = 0;
byte attempt[RUNS] = 1;
byte runLocked = 0;
/* The gate. */
byte inFlight[REPLICAS];
/* Memory. */
byte ended = 0;
byte serving[REPLICAS];
byte held[REPLICAS * RUNS];
byte heldAttempt[REPLICAS * RUNS];
/* Counts. */
byte moves = 0;
byte deaths = 0;
byte leaves = 0;
byte faults = 0;
byte recorded[RUNS];
byte finished = 0;

#define IN(set, n) (((set) & BIT(n)) != 0)
#define ALIVE(r) (!IN(dead | left, r))
#define RUNNING(r) (!IN(ended, r))
#define ROW(r, n) ((r) * CLAIMS + (n))
#define HELD(r, x) held[(r) * RUNS + (x)]
#define HELD_ATTEMPT(r, x) heldAttempt[(r) * RUNS + (x)]

#if defined(DEATH_WITHOUT_GATE)
#define DEATH_MAY_COMMIT(r) true
#else
#define DEATH_MAY_COMMIT(r) (inFlight[r] == 0)
#endif
#if defined(LEAVE_WITHOUT_GATE)
#define LEAVE_MAY_COMMIT(r) true
#else
#define LEAVE_MAY_COMMIT(r) (inFlight[r] == 0)
#endif
#if defined(HAND_OVER_WITHOUT_GATE)
#define HAND_OVER_MAY_COMMIT(r) true
#else
#define HAND_OVER_MAY_COMMIT(r) (inFlight[r] == 0)
#endif
#if defined(SLOT_ONLY)
#define UNREAD(known, seen) (known == 0)
#define SAME_EPOCH(seen) true
#else
#define UNREAD(known, seen) (known != seen)
#define SAME_EPOCH(seen) (epoch + 1 == (seen))
#endif
#if RUNS == 2
#define SHARES_CLAIM(r, x) (HELD(r, 0) == HELD(r, 1))
#define HELD_SET(r) ((HELD(r, 0) != 0) | ((HELD(r, 1) != 0) << 1))
#define FREE_SET ((attempt[0] != 0) | ((attempt[1] != 0) << 1))
#define ROW_UNUSED(r, row) (claim[row] == 0 && HELD(r, 0) != (row) + 1 && HELD(r, 1) != (row) + 1)
#else
#define SHARES_CLAIM(r, x) false
#define HELD_SET(r) (HELD(r, 0) != 0)
#define FREE_SET (attempt[0] != 0)
#define ROW_UNUSED(r, row) (claim[row] == 0 && HELD(r, 0) != (row) + 1)
#endif

inline readForeign(r, set) {
  set = 0;
#if !defined(FOREIGN_UNREAD)
  for (n : 0 .. REPLICAS * CLAIMS - 1) {
    if
    :: n / CLAIMS != r -> set = set | claim[n]
    :: else
    fi
  }
  n = 0;
  set = set & FREE_SET
#endif
}

inline end(r) {
  ended = ended | BIT(r);
  serving[r] = 0;
  for (n : 0 .. RUNS - 1) { HELD(r, n) = 0; HELD_ATTEMPT(r, n) = 0 }
  n = 0
}

inline record(x, a) {
  assert(!IN(recorded[x], a)); /* I2 */
  recorded[x] = recorded[x] | BIT(a)
}

active [REPLICAS] proctype Claiming() {
  byte known = 0, foreign = 0, seen = 0, picked = 0, row = 0, n = 0;

  do
  :: atomic { RUNNING(_pid) && serving[_pid] == 0 && known != 0 -> known = 0; foreign = 0 }
  :: atomic { RUNNING(_pid) && ALIVE(_pid) && claim[ROW(_pid, 0)] != 0 && HELD_SET(_pid) == 0 -> claim[ROW(_pid, 0)] = 0 } /* TMP reconcile */
  :: atomic { RUNNING(_pid) && serving[_pid] != 0 -> seen = serving[_pid] };
    if
    :: atomic { UNREAD(known, seen) || foreign != 0 -> readForeign(_pid, foreign); known = seen }
    :: !UNREAD(known, seen)
    fi;
    if
    :: atomic { RUNNING(_pid) && ALIVE(_pid) -> inFlight[_pid]++ };
      atomic {
        picked = 0;
        if
        :: owner == _pid && target == NOBODY && SAME_EPOCH(seen) -> picked = FREE_SET & ~HELD_SET(_pid) & ~foreign
        :: else
        fi;
        if
        :: picked == 3 -> picked = 1
        :: true
        fi;
        if
        :: ROW_UNUSED(_pid, ROW(_pid, 0)) -> row = ROW(_pid, 0)
        :: else ->
          if
          :: ROW_UNUSED(_pid, ROW(_pid, 1)) -> row = ROW(_pid, 1)
          :: else -> picked = 0
          fi
        fi;
        if
        :: picked == 0 -> inFlight[_pid]--; seen = 0
        :: else
        fi
      };
      if
      :: picked == 0
      :: atomic {
          picked != 0 ->
          assert(!IN(dead, _pid)); /* I4 */
          for (n : 0 .. REPLICAS * CLAIMS - 1) { assert(n / CLAIMS == _pid || (claim[n] & picked) == 0) }
          claim[row] = picked;
          inFlight[_pid]--;
          if
          :: RUNNING(_pid) ->
            for (n : 0 .. RUNS - 1) {
              if
              :: IN(picked, n) -> HELD(_pid, n) = row + 1; HELD_ATTEMPT(_pid, n) = attempt[n]
              :: else
              fi
            }
          :: faults < FAULTS_MAX || !RUNNING(_pid) -> faults++
          fi;
          picked = 0; row = 0; n = 0; seen = 0
        }
      :: atomic { picked != 0 && faults < FAULTS_MAX -> faults++; inFlight[_pid]--; picked = 0; row = 0; seen = 0 }
      fi
    :: atomic { RUNNING(_pid) && !ALIVE(_pid) -> end(_pid); seen = 0 }
    :: atomic { !RUNNING(_pid) -> seen = 0 }
    fi
  od
}
