"""What the name of a column says that it is: of which samples, which quantity, which way is better.

A name is cut into words (at ``_ / . - : @``, spaces, brackets and capitals) and every word must be known: a name with a
word that could change its meaning is not recognised, so that somebody is asked instead of a curve being misread.
"""

from __future__ import annotations

import functools
import re

from benign.histories.role import Quantity, Role, Samples

_LONGEST_NAME = 200  # a hostile one is not worth the time


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SPLITS: dict[str, Samples] = {
    **dict.fromkeys(_words("train training tr trn trainer learn"), "train"),
    **dict.fromkeys(_words("val valid validation eval evaluation evaluator dev cv holdout heldout"), "validation"),
    **dict.fromkeys(_words("test testing tst"), "test"),
    "kepttrain": "kept",
    "flippedtrain": "flipped",
}

# Said once of several words; what is left is looked up word by word.
_PHRASES = tuple(
    (re.compile(rf"\b(?:{pattern})\b"), word)
    for pattern, word in {
        r"learning rate": "lr",
        r"kept train(?:ing)?": "kepttrain",
        r"(?:flipped|relabell?ed) train(?:ing)?": "flippedtrain",
        r"cross entropy": "crossentropy",
        r"negative log likelihood|neg log likelihood|nloglik|neg log lik|n log lik": "nll",
        r"log likelihood|loglik": "loglikelihood",
        r"log loss": "logloss",
        r"root mean square(?:d)? error": "rmse",
        r"mean square(?:d)? log(?:arithmic)? error": "msle",
        r"mean square(?:d)? error": "mse",
        r"(?:mean|median) abs(?:olute)? error": "mae",
        r"mean abs(?:olute)? percentage error": "mape",
        r"(?:word|character|char|phone|phoneme|translation|token|equal) error rate": "wer",
        r"zero one loss|zero one|0 1 loss|classification error": "error",
        r"(?:error|err|misclassification) rate": "error",
        r"mean average precision|average precision": "map",
        r"balanced (?:accuracy|acc)|(?:accuracy|acc) (?:balanced|macro)|macro (?:accuracy|acc)": "balancedaccuracy",
        r"top k": "topn",
        r"(?:acc|accuracy|prec) ?1|top ?1": "top1",
        r"(?:acc|accuracy|prec) ?[2-9]\d*|top ?[2-9]\d*": "topn",
        r"loss values?": "loss",
        r"pix(?:el)? acc(?:uracy)?": "pixacc",
        r"single label": "metric",
        r"(map|ap|ar|recall|precision) (?:small|medium|large)": r"\1",
        r"f 1": "f1",
        r"f beta": "fbeta",
        r"r 2|r squared|r2 score": "r2",
        r"bits per (?:char|character|byte|dim|dimension|token|word)": "bpc",
        r"cosine similarity|explained variance|exact match|hit rate|silhouette": "score",
        r"(?:kl|kullback leibler) divergence": "kl",
        r"multi class": "multiclass",
        r"grad(?:ient)?s?(?: \d+)* norm|gnorm": "gradnorm",
        r"loss scale|grad(?:ient)? scale|weight decay|early stopping|num updates": "other",
        r"(?:samples|steps|tokens|images|items|it|iter) (?:per )?(?:second|sec)": "seconds",
    }.items()
)

_LOSS = _words("loss losses cost")
_LOSS_FUNCTIONS = _words(
    "nll crossentropy xent ce bce mse msle rmse rmsle logloss mlogloss deviance hinge huber logcosh loglikelihood"
)
_NEEDS_A_SPLIT = _words("cost l1 l2 ce bce kl kld box obj cls dfl recon")  # as names, they say too little
_PARTS = _words(
    "box bbox cls class dfl obj objectness giou ciou diou rpn rcnn roi loc reg mask seg segm sem pose kobj "
    "keypoint angle kl kld recon reconstruction rec gen generator disc discriminator adv adversarial gan g d "
    "aux auxiliary perceptual style content contrastive consistency commit commitment vq codebook ctc att attn "
    "attention mlm nsp policy value critic actor entropy regularization regularisation penalty fast rcnn fg bg "
    "decode decoder encoder head feat feature distill distillation kd noobj conf xy wh xywh iou dice tversky "
    "focal boundary triplet center smoothness tv balance router z load gradient classification regression ner "
    "tagger parser textcat pixel data"
)
_PLAYERS = _words("gen generator disc discriminator adv adversarial gan g d policy value critic actor")
_ALONE_A_PART = _words("kl kld box obj cls dfl recon")
_ERRORS = _words("err error errors merror misclassification misclass")
_ACCURACIES = _words("acc accuracy accuracies aacc top1 pixacc")
_HIGHER = _words(
    "f1 fbeta fscore mfscore auc auroc roc aucpr auprc prauc prc pr ap map maps ar iou miou fwiou jaccard "
    "dice mdice r2 precision recall mprecision mrecall macc sensitivity specificity mcc matthews correlation "
    "kappa bleu sacrebleu rouge rougel rougelsum meteor psnr ssim reward rewards rew pearson pearsonr "
    "spearman spearmanr ndcg mrr hits hit nmi cider spice em balancedaccuracy topn"
)
_LOWER = _words("perplexity ppl bpc bpb bpd wer cer ter mer mae l1 mape smape medae fid lpips ece brier eer")
_SCORES = _words("score scores")
_AVERAGED = _words("ema swa polyak averaged")
_NEGATED = _words("neg negative")
_SUMMARIES = _words("best min max minimum maximum std stdv stddev var lowest highest")
_WHERE = _words("epoch epochs step steps iter iters iteration iterations batch round rounds global")
_NO_MATTER = _words(
    "mean avg average total overall main model net network metric metrics scalar scalars log logs logger "
    "history curve value values running per sample samples token tokens set dataset split dataloader idx loader "
    "of on the vs binary multi multiclass categorical sparse macro micro weighted raw rate percent pct share "
    "coco voc final end ep episode rollout lm language"
)
_OTHER = _words(
    "other time times eta second seconds sec secs ms hours minutes runtime timestamp datetime date wall "
    "walltime duration elapsed memory mem gpu cpu ram disk temp temperature power util utilization system "
    "systems throughput fps mfu flops flos tokens lr momentum decay wps ups wpb bsz ooms gb patience seed "
    "params parameters id num number size version passed remaining relative current count no timesteps"
)
_OF_THE_RATE_ONLY = _words("scale ratio multiplier mult factor")
_KNOWN = (
    _LOSS | _LOSS_FUNCTIONS | _PARTS | _ERRORS | _ACCURACIES | _HIGHER | _LOWER | _SCORES | _AVERAGED | _NEGATED
    | _SUMMARIES | _WHERE | _NO_MATTER | frozenset(_SPLITS) | {"l2", "multiclass"}
)  # fmt: skip
_QUANTITIES = _LOSS | _LOSS_FUNCTIONS | _ERRORS | _ACCURACIES | _HIGHER | _LOWER | _SCORES


def role_of(name: str) -> Role | None:
    """What a column is by its name; None where the name does not say it, or could be two things.

    Args:
        name: as a tool writes it.

    Returns:
        The role; its samples are empty where the name has no word for them, as in Keras's ``loss``.

    >>> role_of("val_acc"), role_of("foo")
    (Role(samples='validation', quantity='accuracy', higher_is_better=True, averaged=False), None)
    """
    if len(name) > _LONGEST_NAME or name.strip().endswith("score_"):  # scikit-learn's: a loss, its negative or accuracy
        return None
    sentence = _sentence(name)
    words = sentence.split()
    known = {word for word in words if not word.isdigit()}
    apart = _without_samples(known)
    if apart is not None:
        return apart
    samples = {_SPLITS[word] for word in known & _SPLITS.keys()}
    if len(samples) > 1 or not known <= _KNOWN or re.search(r"\bloss(?:es)? ?\d", sentence.replace("idx", "loader")):
        return None
    if not samples and re.match(r"metrics (?:map|precision|recall|(?:accuracy )?top[1n])\b", _sentence(name)):
        samples = {"validation"}  # Ultralytics
    return _measured(known, next(iter(samples), ""))


def is_plain(name: str) -> bool:
    """Whether a loss is called so, not by its function: of ``val_loss`` and ``val_mse`` the first is minimised."""
    known = set(_sentence(name[:_LONGEST_NAME]).split())
    return bool(known & _LOSS) and not known & (_LOSS_FUNCTIONS | _LOWER)


def is_per_step(name: str) -> bool:
    """Whether the name says that a value was recorded for single batches, as in Lightning's ``train_loss_step``."""
    return bool(set(_sentence(name[:_LONGEST_NAME]).split()) & (_WHERE - _words("epoch epochs round rounds global")))


def is_of_a_player(name: str) -> bool:
    """Whether a loss is that of one of several that play against or teach each other: their sum is nobody's aim.

    >>> is_of_a_player("loss_D"), is_of_a_player("critic_loss"), is_of_a_player("box_loss")
    (True, True, False)
    """
    return bool(set(_sentence(name[:_LONGEST_NAME]).split()) & _PLAYERS)


def without_samples(name: str) -> str:
    """The words of a name but those for its samples: what ``accuracy`` and ``val_accuracy`` share.

    >>> without_samples("val_accuracy"), without_samples("Loss/train")
    ('accuracy', 'loss')
    """
    return " ".join(word for word in _sentence(name[:_LONGEST_NAME]).split() if word not in _SPLITS)


@functools.lru_cache(maxsize=4096)
def _sentence(name: str) -> str:
    """Its words in lower case, phrases of several words made one."""
    name = re.sub(r"\([BMP]\)$", "", name.strip())  # Ultralytics: of boxes, masks, poses
    joined = re.sub(
        r"(?<![A-Za-z])(?:fw|[amGCD])?(?:AP|AR|IoU|Acc|Dice|Fscore|Precision|Recall)(?![a-z])", _lower, name
    )
    cut = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", joined.replace("'s ", " "))
    sentence = " ".join(re.findall(r"[^\W_]+", cut.lower()))
    for phrase, word in _PHRASES:
        sentence = phrase.sub(word, sentence)
    return " ".join(_without_number(word) for word in sentence.split())


def _without_number(word: str) -> str:
    """``map`` for ``map50``; of ``loss2`` nobody knows which it is."""
    base = word.rstrip("0123456789")
    return word if not base or base in _LOSS or word in _KNOWN or word in _OTHER else base


def _lower(match: re.Match[str]) -> str:
    return match.group().lower()


def _without_samples(known: set[str]) -> Role | None:
    """The role of what was measured on no samples: a rate, a norm, seconds."""
    measured = known & _QUANTITIES
    if "gradnorm" in known:
        return None if measured else Role(samples="", quantity="gradient norm")
    if "lr" in known and not known & (_OTHER - {"lr"}):
        return None if measured or known & _OF_THE_RATE_ONLY else Role(samples="", quantity="learning rate")
    if known & _SUMMARIES and measured and known <= _KNOWN:
        return Role(samples="", quantity="other")  # the best so far is no curve of its own
    is_other = known & _OTHER or (known and known <= _WHERE | _NO_MATTER | _SPLITS.keys() and known & _WHERE)
    return Role(samples="", quantity="other") if is_other and not measured else None


def _measured(known: set[str], samples: Samples) -> Role | None:
    quantity, is_higher_better = _quantity(known, samples)
    is_averaged = bool(known & _AVERAGED)
    if not quantity or (is_averaged and samples not in ("validation", "test")):  # else smoothed, more likely
        return None
    if known & _NEGATED:
        if quantity in ("error", "accuracy"):
            return None
        is_higher_better = not is_higher_better
    return Role(samples=samples, quantity=quantity, higher_is_better=is_higher_better, averaged=is_averaged)


def _quantity(known: set[str], samples: Samples) -> tuple[Quantity | None, bool]:
    """The quantity, and whether higher is better; None where its words do not go together."""
    if not samples and known & _NEEDS_A_SPLIT and not known & (_QUANTITIES - _NEEDS_A_SPLIT):
        return None, False
    if known & _LOSS:
        return _kind_of_loss(known)
    if known & _ERRORS:
        goes_together = not known & (_HIGHER - {"topn"} | _LOWER | _LOSS_FUNCTIONS)
        return ("score" if known & (_PARTS | {"topn"}) else "error") if goes_together else None, False
    if known & _ACCURACIES:
        return ("score" if known & (_PARTS | _HIGHER) else "accuracy"), True
    if known & (_LOSS_FUNCTIONS | {"l2"}):
        return ("part of the loss" if known & _PARTS else "loss"), "loglikelihood" in known
    return _kind_of_score(known)


def _kind_of_score(known: set[str]) -> tuple[Quantity | None, bool]:
    if known & (_HIGHER | _LOWER | _SCORES):
        is_one = not (known & _HIGHER and known & _LOWER)
        return ("score" if is_one else None), not known & _LOWER
    if known & _ALONE_A_PART:
        return "part of the loss", False
    is_catboost = "multiclass" in known and known <= {"multiclass"} | _SPLITS.keys()
    return ("loss" if is_catboost else None), False


def _kind_of_loss(known: set[str]) -> tuple[Quantity | None, bool]:
    if known & (_ERRORS | _ACCURACIES):
        return None, False
    return ("part of the loss" if known & (_PARTS | _HIGHER | _SCORES) else "loss"), "loglikelihood" in known
