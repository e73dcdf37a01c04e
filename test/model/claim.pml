/*
 * Can a run have two outcomes for one attempt (I2), can the dead still write (I4), and can two replicas ever hold
 * one run at once? Replicas claim, run and complete, while their one slot is handed over between them, one is
 * declared dead or leaves, its claims are revoked, answers get lost and sessions are ended.
 *
 * What stands for what:
 *   dead, left               states in carillon.replica, one bit a replica (markDead, leaveState); living is neither
 *   owner, target, epoch     the slot's row in carillon.slot_owner
 *   claim[c]                 a row of carillon.claim: its run_ids, one bit a run; 0 means no row. The rows of
 *                            replica r are CLAIMS * r and the next
 *   claimLocked              rows of claim under lockClaims' FOR UPDATE
 *   unfinished, attempt[x]   the rows of carillon.run; a run that is over is not in `unfinished`
 *   runLocked                rows of run that an open transaction has deleted or updated
 *   inFlight[r]              how many transactions hold REPLICA_GATE(r) shared (asReplica)
 *   ended                    processes that know that their incarnation is over
 *   serving[r]               OwnershipLoop.serving: 0, or the epoch in which r saw itself as owner, plus 1
 *   holds[r], heldRow, heldAttempt   HeldRuns: what r has claimed and not recorded yet
 *   process Claiming         ClaimLoop.runOnce with RunsElsewhere.refresh; StrayClaimsLoop between its passes
 *   process Settling         Executor and SettleLoop: a held run ends at any time; its end is tried until known
 *   process Handing          OwnershipLoop.runOnce (asReplicaAlone, handOver)
 *   process Leader           SweepLoop, SlotPlacement and RevocationLoop within one term (election.pml has terms),
 *                            and membership.leave() of any replica
 *
 * Each arrow or `;` between two atomic steps is a place where a process may sleep for ever: being drained,
 * distrusted or frozen is nothing else. A transaction that holds a gate alone is one step that waits until
 * nobody is in flight, since nobody could see it half done. Leader writes are one step for the same reason, with the
 * row locks that they would wait for as guards. Gate and reading the replica's state are one step: behind the gate
 * that state stands still.
 *
 * Abstracted away: time, leases and due times (each pass may come at any moment, anybody may be declared dead);
 * lanes and quotas (a claim takes one free run or all); other slots; batches of settlements (each end is written
 * alone); rejoining under a new number (resume.pml). StrayClaimsLoop is trusted to be slower than a claim's answer.
 *
 * Without flags: the protocol, in which claims elsewhere are read anew for each epoch of a slot, a claim holds only in
 * that epoch, and leaving waits at the gate. Broken on purpose:
 *   CLAIM_WITHOUT_GATE, COMPLETION_WITHOUT_GATE, DEATH_WITHOUT_GATE, HAND_OVER_WITHOUT_GATE, LEAVE_WITHOUT_GATE
 *                     that side does without the gate
 *   ONE_SNAPSHOT      a claim reads with a snapshot from before its wait at the gate, as in REPEATABLE READ
 *   BY_RUN_ID         settlement looks at neither claim row nor attempt
 *   ELSEWHERE_UNREAD  no replica reads the claims of others
 *   EPOCH_FORGOTTEN   claims elsewhere are read when a slot is new to the process, not for each of its epochs
 *   EPOCH_UNCHECKED   a claim asks for the owner only, not for the epoch in which claims elsewhere were read
 *   NO_RETURN         a slot never comes back to a former owner
 *   WITNESS           fails when a replica that got its slot back records an outcome, so that 'holds' means something
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
#ifndef LEAVES_MAX
#define LEAVES_MAX 0
#endif
#ifndef FAULTS_MAX
#define FAULTS_MAX 1
#endif
#define ATTEMPTS_MAX 2
#define CLAIMS 2
#define NOBODY REPLICAS
#define BIT(n) (1 << (n))
#define HAS(set, n) (((set) & BIT(n)) != 0)
#define ALL_RUNS (BIT(RUNS) - 1)

byte dead = 0;
byte left = 0;
byte owner = 0;
byte target = NOBODY;
byte epoch = 0;
byte claim[REPLICAS * CLAIMS];
byte claimLocked = 0;
byte unfinished = ALL_RUNS;
byte attempt[RUNS] = 1;
byte runLocked = 0;

byte inFlight[REPLICAS];
byte ended = 0;
byte serving[REPLICAS];
byte holds[REPLICAS];
byte heldRow[REPLICAS * RUNS];
byte heldAttempt[REPLICAS * RUNS];

byte moves = 0;
byte deaths = 0;
byte leaves = 0;
byte faults = 0;

/* For the assertions: attempts with a recorded outcome, and former owners of the slot. */
byte recorded[RUNS];
byte formerOwners = 0;

/* Scratch inside single steps. */
hidden byte n;
hidden byte m;

#define ALIVE(r) (!HAS(dead | left, r))
#define GOES_ON(r) (!HAS(ended, r))
#define OWN(r, c) ((c) / CLAIMS == (r))
#define HELD(r, x) ((r) * RUNS + (x))

#if defined(CLAIM_WITHOUT_GATE)
#define ENTER_TO_CLAIM(r) skip
#define LEAVE_FROM_CLAIM(r) skip
#else
#define ENTER_TO_CLAIM(r) inFlight[r]++
#define LEAVE_FROM_CLAIM(r) inFlight[r]--
#endif
#if defined(COMPLETION_WITHOUT_GATE)
#define MAY_COMPLETE(r) true
#define ENTER_TO_COMPLETE(r) skip
#define LEAVE_FROM_COMPLETION(r) skip
#else
#define MAY_COMPLETE(r) ALIVE(r)
#define ENTER_TO_COMPLETE(r) inFlight[r]++
#define LEAVE_FROM_COMPLETION(r) inFlight[r]--
#endif
#if defined(DEATH_WITHOUT_GATE)
#define MAY_DIE(r) true
#else
#define MAY_DIE(r) (inFlight[r] == 0)
#endif
#if defined(HAND_OVER_WITHOUT_GATE)
#define MAY_HAND_OVER(r) true
#else
#define MAY_HAND_OVER(r) (inFlight[r] == 0)
#endif
#if defined(LEAVE_WITHOUT_GATE)
#define MAY_LEAVE(r) true
#else
#define MAY_LEAVE(r) (inFlight[r] == 0)
#endif
#if defined(NO_RETURN)
#define MAY_GET(r) (!HAS(formerOwners, r))
#else
#define MAY_GET(r) true
#endif
#if defined(EPOCH_FORGOTTEN)
#define IS_KNOWN(known, seen) ((known) != 0)
#else
#define IS_KNOWN(known, seen) ((known) == (seen))
#endif
#if defined(EPOCH_UNCHECKED)
#define STILL_OWNS(r, seen) (owner == (r) && target == NOBODY)
#else
#define STILL_OWNS(r, seen) (owner == (r) && target == NOBODY && epoch + 1 == (seen))
#endif

/* The process learns that its incarnation is over, and forgets what it held. */
inline end(r) {
  ended = ended | BIT(r);
  serving[r] = 0;
  holds[r] = 0;
  for (n : 0 .. RUNS - 1) {
    heldRow[HELD(r, n)] = 0;
    heldAttempt[HELD(r, n)] = 0
  }
}

inline record(x, a) {
  assert(!HAS(recorded[x], a)); /* I2: one outcome an attempt */
  recorded[x] = recorded[x] | BIT(a)
}

/* runsElsewhere: what other replicas' claims hold, living or dead. */
inline readElsewhere(r, set) {
  set = 0;
#if !defined(ELSEWHERE_UNREAD)
  for (n : 0 .. REPLICAS * CLAIMS - 1) {
    if
    :: !OWN(r, n) -> set = set | claim[n]
    :: else
    fi
  }
  set = set & unfinished
#endif
}

/* A claim id that no row has and the process does not remember; row 0 if there is one. */
inline newClaim(r) {
  row = CLAIMS * r;
  do
  :: row == CLAIMS * r + CLAIMS -> break
  :: row < CLAIMS * r + CLAIMS ->
    m = claim[row];
    for (n : 0 .. RUNS - 1) {
      if
      :: HAS(holds[r], n) && heldRow[HELD(r, n)] == row -> m = 1
      :: else
      fi
    }
    if
    :: m == 0 -> break
    :: else -> row++
    fi
  od
}

/* claimRuns: with one snapshot, the slot's owner and the runs that are free. The arguments are Claiming's own. */
inline pick(r) {
  picked = 0;
  newClaim(r);
  if
  :: STILL_OWNS(r, seen) && row < CLAIMS * r + CLAIMS -> picked = unfinished & ~holds[r] & ~elsewhere
  :: else
  fi;
  if
  :: picked == 3 -> picked = 1 /* a small quota */
  :: true
  fi;
  for (n : 0 .. RUNS - 1) {
    if
    :: HAS(picked, n) -> attempts[n] = attempt[n]
    :: else
    fi
  }
}

inline hold(r) {
  holds[r] = holds[r] | picked;
  for (n : 0 .. RUNS - 1) {
    if
    :: HAS(picked, n) -> heldRow[HELD(r, n)] = row; heldAttempt[HELD(r, n)] = attempts[n]
    :: else
    fi
  }
}

inline clear() {
  picked = 0;
  row = 0;
  for (n : 0 .. RUNS - 1) { attempts[n] = 0 }
}

active [REPLICAS] proctype Claiming() {
  byte known = 0, elsewhere = 0; /* RunsElsewhere; known is 0 or the epoch of the reading, plus 1 */
  byte seen = 0;
  byte picked = 0, row = 0, attempts[RUNS];

  do
  /* A pass that finds the slot gone forgets that it knew it. */
  :: atomic { GOES_ON(_pid) && serving[_pid] == 0 && known != 0 -> known = 0; elsewhere = 0 }

  /* Reconcile: rows of ours that memory knows nothing of. */
  :: atomic {
      GOES_ON(_pid) && ALIVE(_pid) ->
      for (m : CLAIMS * _pid .. CLAIMS * _pid + CLAIMS - 1) {
        picked = 0;
        for (n : 0 .. RUNS - 1) {
          if
          :: HAS(holds[_pid], n) && heldRow[HELD(_pid, n)] == m -> picked = 1
          :: else
          fi
        }
        if
        :: picked == 0 -> claim[m] = 0
        :: else
        fi
      }
      picked = 0
    }

  :: atomic { GOES_ON(_pid) && serving[_pid] != 0 -> seen = serving[_pid] };
    if
    :: atomic { !IS_KNOWN(known, seen) || elsewhere != 0 -> readElsewhere(_pid, elsewhere); known = seen }
    :: IS_KNOWN(known, seen)
    fi;
    if
    :: atomic { GOES_ON(_pid) && !ALIVE(_pid) -> end(_pid) } /* fenced */
    :: !GOES_ON(_pid)
#if defined(ONE_SNAPSHOT)
    :: atomic { GOES_ON(_pid) && ALIVE(_pid) -> pick(_pid) };
      ENTER_TO_CLAIM(_pid);
#else
    :: atomic { GOES_ON(_pid) && ALIVE(_pid) -> ENTER_TO_CLAIM(_pid) };
      atomic { pick(_pid) };
#endif
      if
      :: atomic { picked == 0 -> LEAVE_FROM_CLAIM(_pid); clear() }
      :: atomic {
          picked != 0 ->
          assert(!HAS(dead, _pid)); /* I4 */
          for (n : 0 .. REPLICAS * CLAIMS - 1) {
            assert(OWN(_pid, n) || (claim[n] & picked) == 0) /* nobody else holds it */
          }
          claim[row] = picked;
          LEAVE_FROM_CLAIM(_pid);
          if
          :: GOES_ON(_pid) -> hold(_pid)
          :: !GOES_ON(_pid)
          :: faults < FAULTS_MAX -> faults++ /* the answer got lost */
          fi;
          clear()
        }
      :: atomic { picked != 0 && faults < FAULTS_MAX -> faults++; LEAVE_FROM_CLAIM(_pid); clear() } /* rolled back */
      fi
    fi;
    seen = 0
  od
}

#define RUNS_STILL 0
#define RELEASED 1
#define SUCCEEDED 2
#define FAILED 3

/* What is left of a claim when one of its runs has ended: closeClaims or shrinkClaims, or nothing. */
inline releaseClaim(r, x, row, kind) {
  m = 0;
  for (n : 0 .. RUNS - 1) {
    if
    :: n != x && HAS(holds[r], n) && heldRow[HELD(r, n)] == row -> m = 1
    :: else
    fi
  }
  if
  :: m == 0 -> claim[row] = 0
  :: m != 0 && kind != SUCCEEDED -> claim[row] = claim[row] & ~BIT(x)
  :: else
  fi
}

inline forget(r, x) {
  holds[r] = holds[r] & ~BIT(x);
  heldRow[HELD(r, x)] = 0;
  heldAttempt[HELD(r, x)] = 0
}

active [REPLICAS] proctype Settling() {
  byte me = _pid - REPLICAS;
  byte ending = 0, kind = 0, row = 0, tried = 0;
  bit ours = 0, found = 0;

  do
  :: atomic {
      holds[me] != 0 ->
      if
      :: HAS(holds[me], 0) -> ending = 0
#if RUNS == 2
      :: HAS(holds[me], 1) -> ending = 1
#endif
      fi;
      row = heldRow[HELD(me, ending)];
      tried = heldAttempt[HELD(me, ending)]
    };

    do
    :: atomic { GOES_ON(me) && !MAY_COMPLETE(me) -> end(me); break } /* fenced */
    :: !GOES_ON(me) -> break
    :: atomic { GOES_ON(me) && MAY_COMPLETE(me) -> ENTER_TO_COMPLETE(me) };

#if defined(BY_RUN_ID)
      ours = 1;
#else
      atomic {
        !HAS(claimLocked, row) -> /* lockClaims */
        ours = (claim[row] != 0);
        if
        :: ours -> claimLocked = claimLocked | BIT(row)
        :: else
        fi
      };
#endif
      if
      :: !ours
      :: atomic { ours && (kind == RUNS_STILL || kind == RELEASED) -> kind = RELEASED }
      :: atomic {
          ours && kind != RELEASED && !HAS(runLocked, ending) -> /* finishRuns, retryRuns */
          if
          :: kind == RUNS_STILL -> kind = SUCCEEDED
          :: kind == RUNS_STILL -> kind = FAILED
          :: kind != RUNS_STILL
          fi;
#if defined(BY_RUN_ID)
          found = HAS(unfinished, ending);
#else
          found = (HAS(unfinished, ending) && attempt[ending] == tried);
#endif
          if
          :: found -> runLocked = runLocked | BIT(ending)
          :: else
          fi
        }
      fi;

      if
      :: atomic {
          assert(!HAS(dead, me) || !ours); /* I4 */
          if
          :: found ->
            record(ending, tried);
#if defined(WITNESS)
            assert(!HAS(formerOwners, me));
#endif
            if
            :: kind == SUCCEEDED || tried >= ATTEMPTS_MAX -> unfinished = unfinished & ~BIT(ending)
            :: else -> attempt[ending]++
            fi;
            runLocked = runLocked & ~BIT(ending)
          :: else
          fi;
          if
          :: ours -> releaseClaim(me, ending, row, kind); claimLocked = claimLocked & ~BIT(row)
          :: else
          fi;
          LEAVE_FROM_COMPLETION(me);
          ours = 0;
          found = 0;
          if
          :: GOES_ON(me) -> forget(me, ending); break
          :: !GOES_ON(me) -> break
          :: GOES_ON(me) && faults < FAULTS_MAX -> faults++ /* the answer got lost: once more */
          fi
        }
      :: atomic { /* its session ended: rolled back, and once more */
          faults < FAULTS_MAX ->
          faults++;
          if
          :: found -> runLocked = runLocked & ~BIT(ending)
          :: else
          fi;
          if
          :: ours -> claimLocked = claimLocked & ~BIT(row)
          :: else
          fi;
          LEAVE_FROM_COMPLETION(me);
          ours = 0;
          found = 0
        }
      fi
    od;
    atomic { ending = 0; kind = 0; row = 0; tried = 0 }
  od
}

active [REPLICAS] proctype Handing() {
  byte me = _pid - 2 * REPLICAS;

  do
  :: atomic {
      GOES_ON(me) ->
      if
      :: owner == me && target == NOBODY -> serving[me] = epoch + 1
      :: else -> serving[me] = 0
      fi
    }
  :: atomic {
      GOES_ON(me) && ALIVE(me) && owner == me && target != NOBODY && serving[me] == 0 && MAY_HAND_OVER(me) ->
      formerOwners = formerOwners | BIT(me);
      owner = target;
      target = NOBODY;
      epoch++
    }
  od
}

/* Revocation: the claim goes; its runs come back with a lost attempt, or are over if they kill their replicas. */
inline revoke(c) {
  for (n : 0 .. RUNS - 1) {
    if
    :: HAS(claim[c] & unfinished, n) ->
      record(n, attempt[n]);
      if
      :: attempt[n]++ /* requeueLost */
      :: unfinished = unfinished & ~BIT(n) /* deadLetter */
      fi
    :: else
    fi
  }
  claim[c] = 0
}

active proctype Leader() {
  byte r, c;

  do
  :: atomic {
      select(r : 0 .. REPLICAS - 1);
      if
      :: deaths < DEATHS_MAX && ALIVE(r) && MAY_DIE(r) -> deaths++; dead = dead | BIT(r)
      :: leaves < LEAVES_MAX && ALIVE(r) && MAY_LEAVE(r) -> leaves++; left = left | BIT(r); end(r)
      :: owner < REPLICAS && !ALIVE(owner) && ALIVE(r) && MAY_GET(r) -> /* giveSlots */
        formerOwners = formerOwners | BIT(owner);
        owner = r;
        target = NOBODY;
        epoch++
      :: moves < MOVES_MAX && target == NOBODY && ALIVE(owner) && owner != r && ALIVE(r) && MAY_GET(r) ->
        moves++;
        target = r
      :: target == r && ALIVE(owner) -> target = NOBODY
      :: else
      fi;
      r = 0
    }
  :: atomic {
      select(c : 0 .. REPLICAS * CLAIMS - 1);
      if
      :: claim[c] != 0 && !ALIVE(c / CLAIMS) && !HAS(claimLocked, c) && (claim[c] & runLocked) == 0 -> revoke(c)
      :: else
      fi;
      c = 0
    }
  od
}
