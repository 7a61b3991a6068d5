// What a job file can get wrong, row by row, and what a person is told: the path, what was found, what is allowed. All rows are checked
// with a data set of 5 classes and 2,000 + 300 images. More than a hundred of them, as each message was read and judged by itself.
import { describe, expect, it } from 'vitest';
import { TrainyardError } from '$lib/core/errors';
import { checkJob } from '$lib/job/parse';
import { catalog, photos } from './catalog';

type Row = readonly [document: string, told: readonly string[]];

const ROWS: Readonly<Record<string, readonly Row[]>> = {
  'The document itself': [
    [
      'null',
      [
        'job file: it is not a JSON object with named fields. Start from {"model": {"name": "tiny-cnn"}}, or save a job from the Train page.',
      ],
    ],
    [
      '[]',
      [
        'job file: it is not a JSON object with named fields. Start from {"model": {"name": "tiny-cnn"}}, or save a job from the Train page.',
      ],
    ],
    [
      '"job.json"',
      [
        'job file: it is not a JSON object with named fields. Start from {"model": {"name": "tiny-cnn"}}, or save a job from the Train page.',
      ],
    ],
    ['{"version":0}', ['job file: version is 0; it must be a whole number from 1 to 2. Write "version": 2.']],
    ['{"version":"2"}', ['job file: version is "2"; it must be a whole number from 1 to 2. Write "version": 2.']],
    ['{"version":2.5}', ['job file: version is 2.5; it must be a whole number from 1 to 2. Write "version": 2.']],
    [
      '{"version":3}',
      [
        'job file: version is 3; this program reads up to version 2. Update Trainyard, or use the program that wrote the file.',
      ],
    ],
    ['{"version":2,"epochs":5}', ['epochs: There is no field "epochs"; did you mean "training.epochs"?']],
    ['{"training":{"epoch":5}}', ['training.epoch: There is no field "epoch"; did you mean "epochs"?']],
    ['{"optimiser":{"name":"sgd"}}', ['optimiser: There is no field "optimiser"; did you mean "optimizer"?']],
    [
      '{"trainning":{"epochs":5},"sede":1}',
      [
        'trainning: There is no field "trainning"; did you mean "training"?',
        'sede: There is no field "sede"; did you mean "seed"?',
      ],
    ],
    ['{"training":[30,64]}', ['training: Training must be an object with named fields; found [30,64].']],
    ['{"training":null}', ['training: Training must be an object with named fields; found null.']],
    [
      '{"optimizer":"adamw"}',
      ['optimizer: Optimiser must be an object with named fields; found "adamw". Write {"name": "adamw"}.'],
    ],
  ],
  'Task and model': [
    ['{"task":"clasification"}', ['task: There is no task "clasification"; did you mean "classification"?']],
    ['{"task":"segmentation"}', ['task: There is no task "segmentation"; known: classification, multi_label.']],
    [
      '{"model":"resnet18"}',
      ['model: Model must be an object with named fields; found "resnet18". Write {"name": "resnet18"}.'],
    ],
    ['{"model":{"name":"resnet-18"}}', ['model.name: There is no model "resnet-18"; did you mean "resnet18"?']],
    ['{"model":{"name":"yolo"}}', ['model.name: There is no model "yolo"; known: resnet18, tiny-cnn.']],
    ['{"model":{"name":18}}', ['model.name: There is no model 18; known: resnet18, tiny-cnn.']],
    [
      '{"model":{"name":"tiny-cnn","config":{"width":0}}}',
      ['model.config.width: Width must be at least 0.25 and at most 4; found 0.'],
    ],
    [
      '{"model":{"name":"tiny-cnn","config":{"depth":3}}}',
      ['model.config.depth: There is no field "depth"; known: width, dropout.'],
    ],
    ['{"model":{"weights":5}}', ['model.weights: Start from must be text; found 5.']],
    ['{"model":{"name":"imported"}}', ['model.weights: An imported network is read from a file; name it here.']],
    [
      '{"fine_tune":{"train":"head"}}',
      [
        'fine_tune.train: Without weights to start from the whole network has to learn; choose "all" or set model.weights.',
      ],
    ],
    ['{"fine_tune":{"train":"last"}}', ['fine_tune.train: Train has no option "last"; known: head, stages, all.']],
    [
      '{"fine_tune":{"stage_rate":2}}',
      ['fine_tune.stage_rate: Rate of each stage must be at least 0.01 and at most 1; found 2.'],
    ],
    ['{"head":{"kind":"mlp","hidden":0}}', ['head.hidden: Hidden units must be at least 1 and at most 8192; found 0.']],
    [
      '{"contrastive":{"epochs":-1,"temperature":0}}',
      [
        'contrastive.epochs: Contrastive epochs must be at least 0 and at most 1000; found -1.',
        'contrastive.temperature: Temperature must be at least 0.01 and at most 2; found 0.',
      ],
    ],
  ],
  Data: [
    ['{"data":{"path":5}}', ['data.path: Path must be text; found 5.']],
    [
      '{"data":{"path":"a.zip","train_dir":"b"}}',
      ['data: Both a path and a train folder are given; give one of them.'],
    ],
    ['{"data":{"val_dir":"b"}}', ['data.train_dir: A validation or test folder is given without a train folder.']],
    [
      '{"data":{"split":{"val":0.6,"test":0.5}}}',
      ['data.split: Validation and test take 1.1 of the images; some must be left to train on.'],
    ],
    [
      '{"data":{"split":{"val":"20%"}}}',
      ['data.split.val: Validation share must be a number, at least 0 and at most 0.9; found "20%".'],
    ],
    [
      '{"data":{"split":{"val":15}}}',
      ['data.split.val: Validation share must be at least 0 and at most 0.9; found 15.'],
    ],
    [
      '{"data":{"split":{"source":"folder"}}}',
      ['data.split.source: Split by has no option "folder"; did you mean "folders"?'],
    ],
    [
      '{"data":{"split":{"stratified":"yes"}}}',
      ['data.split.stratified: Same mix of classes in each split must be true or false; found "yes".'],
    ],
  ],
  Training: [
    [
      '{"training":{"epochs":"30"}}',
      ['training.epochs: Epochs must be a whole number, at least 1 and at most 10000; found "30".'],
    ],
    ['{"training":{"epochs":0}}', ['training.epochs: Epochs must be at least 1 and at most 10000; found 0.']],
    [
      '{"training":{"epochs":2.5}}',
      ['training.epochs: Epochs must be a whole number, at least 1 and at most 10000; found 2.5.'],
    ],
    ['{"training":{"epochs":1e6}}', ['training.epochs: Epochs must be at least 1 and at most 10000; found 1000000.']],
    [
      '{"training":{"batch_size":-8}}',
      ['training.batch_size: Batch size must be at least 1 and at most 4096; found -8.'],
    ],
    [
      '{"training":{"batch_size":null}}',
      ['training.batch_size: Batch size must be a whole number, at least 1 and at most 4096; found null.'],
    ],
    [
      '{"training":{"batch_size":8,"accumulate":16}}',
      ['training.accumulate: A batch of 8 images cannot be computed in 16 parts; give at most 8.'],
    ],
    [
      '{"training":{"accumulate":0}}',
      ['training.accumulate: Parts of a batch must be at least 1 and at most 256; found 0.'],
    ],
    [
      '{"training":{"sampling":"weighted"}}',
      ['training.sampling: Sampling has no option "weighted"; known: shuffle, square_root, balanced.'],
    ],
    ['{"ema":0.999}', ['ema: Averaged weights must be an object with named fields; found 0.999.']],
    ['{"ema":{"decay":1}}', ['ema.decay: Average of the weights must be at least 0 and below 1; found 1.']],
    ['{"ema":{"decay":0.999,"warmup":10}}', ['ema.warmup: Shorter average at first must be true or false; found 10.']],
    ['{"mix":{"mixup":-0.2}}', ['mix.mixup: Mixup must be at least 0 and at most 10; found -0.2.']],
    ['{"mix":{"cutmix":true}}', ['mix.cutmix: CutMix must be a number, at least 0 and at most 10; found true.']],
    [
      '{"mix":{"mixup":0.2,"probability":1.5}}',
      ['mix.probability: Mixed batches must be at least 0 and at most 1; found 1.5.'],
    ],
    [
      '{"mix":{"mixup":0.2},"training":{"batch_size":1}}',
      [
        'mix.mixup: Images are mixed with others of their batch, which has 1 image; raise training.batch_size or set this to 0.',
      ],
    ],
    [
      '{"distillation":{"temperature":2}}',
      [
        'distillation.teacher: A temperature or a share is given without a teacher; name one as run:<id>, or leave them out.',
      ],
    ],
    [
      '{"distillation":{"teacher":"run:"}}',
      ['distillation.teacher: A teacher is named by the id of its run, run:<id>; found "run:".'],
    ],
    [
      '{"distillation":{"teacher":"run:abc","weight":0}}',
      [
        'distillation.teacher: The teacher has no share of the loss; raise distillation.weight, or leave the teacher out.',
      ],
    ],
    [
      '{"distillation":{"teacher":"run:abc"},"model":{"name":"resnet18","weights":"timm/resnet18.a1_in1k"}}',
      [
        'distillation.teacher: A teacher looks at the images of each step, but their features are computed once; set fine_tune.cache to false, or leave the teacher out.',
      ],
    ],
    [
      '{"distillation":{"teacher":17,"temperature":0}}',
      [
        'distillation.teacher: Teacher must be text; found 17.',
        'distillation.temperature: Temperature must be at least 0.1 and at most 50; found 0.',
      ],
    ],
  ],
  'Preprocessing and augmentation': [
    [
      '{"preprocess":{"image_size":4}}',
      ['preprocess.image_size: Image size must be at least 8 and at most 1024; found 4.'],
    ],
    [
      '{"preprocess":{"image_size":[224,224]}}',
      ['preprocess.image_size: Image size must be a whole number, at least 8 and at most 1024; found [224,224].'],
    ],
    [
      '{"preprocess":{"resize":"pad"}}',
      ['preprocess.resize: Resize has no option "pad"; known: stretch, crop, letterbox.'],
    ],
    [
      '{"preprocess":{"interpolation":"bilinar"}}',
      ['preprocess.interpolation: Interpolation has no option "bilinar"; did you mean "bilinear"?'],
    ],
    [
      '{"preprocess":{"normalize":"weights"}}',
      [
        'preprocess.normalize: There are no weights whose normalisation could be taken; set model.weights or choose another.',
      ],
    ],
    [
      '{"preprocess":{"mean":[0.5,0.5,0.5]}}',
      ['preprocess.mean: There is no field "mean"; known: image_size, resize, interpolation, normalize.'],
    ],
    [
      '{"augment":{"horizontal_flip":50}}',
      ['augment.horizontal_flip: Mirror left to right must be at least 0 and at most 1; found 50.'],
    ],
    [
      '{"augment":{"horizontal_flip":true}}',
      ['augment.horizontal_flip: Mirror left to right must be a number, at least 0 and at most 1; found true.'],
    ],
    ['{"augment":{"rotation":-10}}', ['augment.rotation: Rotation must be at least 0 and at most 180; found -10.']],
    [
      '{"augment":{"shift":32},"preprocess":{"image_size":32}}',
      ['augment.shift: Shift must be below the image size of 32 px, or nothing is left of the image; found 32.'],
    ],
    [
      '{"augment":{"scale":[1.2,0.8]}}',
      ['augment.scale: The first number must not be above the second; found 1.2 and 0.8.'],
    ],
    ['{"augment":{"scale":1.2}}', ['augment.scale: Zoom must be a list of 2 numbers; found 1.2.']],
    [
      '{"augment":{"scale":[0,2]}}',
      ['augment.scale: Each number of Zoom must be at least 0.1 and at most 10; found 0.'],
    ],
    ['{"augment":{"shear":90}}', ['augment.shear: Shear must be at least 0 and at most 60; found 90.']],
    ['{"augment":{"fill":"white"}}', ['augment.fill: Fill has no option "white"; known: black, grey, edge.']],
    [
      '{"augment":{"random_resized_crop":{"scale":[0.9,0.2]}}}',
      ['augment.random_resized_crop.scale: The first number must not be above the second; found 0.9 and 0.2.'],
    ],
    [
      '{"augment":{"random_resized_crop":{"enabled":1}}}',
      ['augment.random_resized_crop.enabled: On must be true or false; found 1.'],
    ],
    [
      '{"augment":{"random_resized_crop":{"ratio":[0.75]}}}',
      ['augment.random_resized_crop.ratio: Aspect ratio must be a list of 2 numbers; found [0.75].'],
    ],
    [
      '{"augment":{"color_jitter":{"hue":0.7,"brightness":"0.2"}}}',
      [
        'augment.color_jitter.brightness: Brightness must be a number, at least 0 and at most 1; found "0.2".',
        'augment.color_jitter.hue: Hue must be at least 0 and at most 0.5; found 0.7.',
      ],
    ],
    [
      '{"augment":{"blur":{"probability":0.5,"sigma":[2,0.1]}}}',
      ['augment.blur.sigma: The first number must not be above the second; found 2 and 0.1.'],
    ],
    [
      '{"augment":{"noise":{"sigma":0.1}}}',
      ['augment.noise.sigma: There is no field "augment.noise.sigma"; did you mean "augment.blur.sigma"?'],
    ],
    [
      '{"augment":{"jpeg":{"quality":[90,30]}}}',
      ['augment.jpeg.quality: The first number must not be above the second; found 90 and 30.'],
    ],
    [
      '{"augment":{"jpeg":{"quality":[0,50]}}}',
      ['augment.jpeg.quality: Each number of Quality must be at least 1 and at most 100; found 0.'],
    ],
    [
      '{"augment":{"cutout":{"probability":1,"size":0}}}',
      ['augment.cutout.size: Size of the square must be above 0 and at most 1; found 0.'],
    ],
    [
      '{"augment":{"cutout":{"probability":1,"size":0.01}},"preprocess":{"image_size":32}}',
      ['augment.cutout.size: Size of the square must be at least 0.031, a pixel of the input of 32 px; found 0.01.'],
    ],
    [
      '{"augment":{"erasing":{"probability":0.5,"area":[0.4,0.02],"ratio":[3.3,0.3]}}}',
      [
        'augment.erasing.area: The first number must not be above the second; found 0.4 and 0.02.',
        'augment.erasing.ratio: The first number must not be above the second; found 3.3 and 0.3.',
      ],
    ],
    [
      '{"augment":{"erasing":{"fill":"random"}}}',
      ['augment.erasing.fill: Filled with has no option "random"; known: black, noise.'],
    ],
    [
      '{"augment":{"policy":"randaugment"}}',
      [
        'augment.policy: Policy must be an object with named fields; found "randaugment". Write {"name": "randaugment"}.',
      ],
    ],
    [
      '{"augment":{"policy":{"name":"autoaugment"}}}',
      [
        'augment.policy.name: Policy has no option "autoaugment"; known: none, trivialaugment, randaugment, autoaugment_imagenet, autoaugment_cifar10, autoaugment_svhn.',
      ],
    ],
    [
      '{"augment":{"policy":{"name":"randaugment","magnitude":31}}}',
      ['augment.policy.magnitude: Strength of the changes must be at least 0 and at most 30; found 31.'],
    ],
  ],
  Optimiser: [
    ['{"optimizer":{"name":"adamax"}}', ['optimizer.name: Optimiser has no option "adamax"; did you mean "adamw"?']],
    [
      '{"optimizer":{"name":"lion"}}',
      ['optimizer.name: Optimiser has no option "lion"; known: adamw, sgd, adam, rmsprop.'],
    ],
    ['{"optimizer":{"lr":0.1}}', ['optimizer.lr: There is no field "lr"; did you mean "learning_rate"?']],
    [
      '{"optimizer":{"epochs":5}}',
      ['optimizer.epochs: There is no field "optimizer.epochs"; did you mean "training.epochs"?'],
    ],
    [
      '{"scheduler":"cosine"}',
      [
        'scheduler: Learning-rate schedule must be an object with named fields; found "cosine". Write {"name": "cosine"}.',
      ],
    ],
    [
      '{"optimizer":{"learning_rate":-0.001}}',
      ['optimizer.learning_rate: Learning rate must be above 0 and at most 10; found -0.001.'],
    ],
    [
      '{"optimizer":{"learning_rate":0}}',
      ['optimizer.learning_rate: Learning rate must be above 0 and at most 10; found 0.'],
    ],
    [
      '{"optimizer":{"learning_rate":"1e-3"}}',
      ['optimizer.learning_rate: Learning rate must be a number, above 0 and at most 10; found "1e-3".'],
    ],
    [
      '{"optimizer":{"weight_decay":-1}}',
      ['optimizer.weight_decay: Weight decay must be at least 0 and at most 10; found -1.'],
    ],
    ['{"optimizer":{"betas":[0.9]}}', ['optimizer.betas: Betas must be a list of 2 numbers; found [0.9].']],
    [
      '{"optimizer":{"betas":[0.9,1]}}',
      ['optimizer.betas: Each number of Betas must be at least 0 and at most 0.999999; found 1.'],
    ],
    [
      '{"optimizer":{"betas":[0.999,0.9]}}',
      [
        'optimizer.betas: The second beta must not be below the first, as squares are averaged for longer; found 0.999 and 0.9.',
      ],
    ],
    [
      '{"optimizer":{"name":"sgd","momentum":1}}',
      ['optimizer.momentum: Momentum must be at least 0 and below 1; found 1.'],
    ],
    [
      '{"optimizer":{"name":"sgd","momentum":0}}',
      ['optimizer.nesterov: Nesterov momentum needs a momentum above 0; found 0.'],
    ],
    [
      '{"optimizer":{"name":"rmsprop","alpha":1.5}}',
      ['optimizer.alpha: Alpha must be at least 0 and below 1; found 1.5.'],
    ],
    ['{"optimizer":{"epsilon":0}}', ['optimizer.epsilon: Epsilon must be above 0 and at most 1; found 0.']],
    [
      '{"optimizer":{"clip_norm":-1,"clip_value":-1}}',
      [
        'optimizer.clip_norm: Clip gradients must be at least 0 and at most 1000; found -1.',
        'optimizer.clip_value: Clip each value must be at least 0 and at most 1000; found -1.',
      ],
    ],
    [
      '{"optimizer":{"layer_rates":"fc. 10"}}',
      [
        'optimizer.layer_rates: Each part is the beginning of parameter names, "=" and a factor, as in "layer1.=0.1"; found "fc. 10".',
      ],
    ],
    [
      '{"optimizer":{"layer_rates":"fc.=ten"}}',
      ['optimizer.layer_rates: The factor of "fc." must be a number of at least 0; found "fc.=ten".'],
    ],
    ['{"optimizer":{"layer_rates":"fc.=1, fc.=2"}}', ['optimizer.layer_rates: "fc." has two factors; give one.']],
    [
      '{"optimizer":{"layer_rates":{"fc.":10}}}',
      ['optimizer.layer_rates: Rates of layers must be text; found {"fc.":10}.'],
    ],
  ],
  Schedule: [
    [
      '{"scheduler":{"name":"cosine_annealing"}}',
      [
        'scheduler.name: Schedule has no option "cosine_annealing"; known: one_cycle, cosine, cosine_restarts, step, multi_step, exponential, polynomial, plateau, constant.',
      ],
    ],
    [
      '{"scheduler":{"name":"onecycle"}}',
      ['scheduler.name: Schedule has no option "onecycle"; did you mean "one_cycle"?'],
    ],
    [
      '{"scheduler":{"warmup_epochs":30}}',
      ['scheduler.warmup_epochs: Warm-up must be shorter than the run of 30 epochs; found 30.'],
    ],
    [
      '{"scheduler":{"name":"step","warmup_epochs":5},"training":{"epochs":5}}',
      ['scheduler.warmup_epochs: Warm-up must be shorter than the run of 5 epochs; found 5.'],
    ],
    [
      '{"scheduler":{"name":"cosine","minimum_rate":0.1}}',
      ['scheduler.minimum_rate: The lowest rate must not be above the learning rate 0.004; found 0.1.'],
    ],
    [
      '{"scheduler":{"name":"multi_step","milestones":[]}}',
      ['scheduler.milestones: Name the epochs at which the rate falls, such as [10, 20]; found none.'],
    ],
    [
      '{"scheduler":{"name":"multi_step","milestones":[20,10]}}',
      ['scheduler.milestones: The epochs must rise; found 10 after 20.'],
    ],
    [
      '{"scheduler":{"name":"multi_step","milestones":"10, 20"}}',
      ['scheduler.milestones: Falls at must be a list of numbers; found "10, 20".'],
    ],
    [
      '{"scheduler":{"name":"multi_step","milestones":[2.5],"interval":"epoch"}}',
      ['scheduler.milestones: Falls at must be whole epochs where the rate changes with each epoch; found 2.5.'],
    ],
    [
      '{"scheduler":{"name":"step","step_epochs":0}}',
      ['scheduler.step_epochs: Falls every must be above 0 and at most 10000; found 0.'],
    ],
    [
      '{"scheduler":{"name":"exponential","gamma":1.5}}',
      ['scheduler.gamma: Factor of a fall must be above 0 and at most 1; found 1.5.'],
    ],
    [
      '{"scheduler":{"name":"cosine_restarts","restart_epochs":0.5,"interval":"epoch"}}',
      ['scheduler.restart_epochs: First cycle must be whole epochs where the rate changes with each epoch; found 0.5.'],
    ],
    [
      '{"scheduler":{"name":"cosine_restarts","restart_factor":0.5}}',
      ['scheduler.restart_factor: Growth of the cycles must be at least 1 and at most 10; found 0.5.'],
    ],
    [
      '{"scheduler":{"name":"plateau","factor":1,"patience":-1}}',
      [
        'scheduler.patience: Patience of the schedule must be at least 0 and at most 1000; found -1.',
        'scheduler.factor: Factor of the plateau must be above 0 and below 1; found 1.',
      ],
    ],
    ['{"scheduler":{"interval":"batch"}}', ['scheduler.interval: Interval has no option "batch"; known: step, epoch.']],
    ['{"scheduler":{"pct_start":30}}', ['scheduler.pct_start: Rising share must be above 0 and below 1; found 30.']],
  ],
  'Loss, validation, the rest': [
    ['{"loss":"focal"}', ['loss: Loss must be an object with named fields; found "focal". Write {"name": "focal"}.']],
    [
      '{"task":"multi_label","contrastive":{"epochs":5}}',
      [
        'contrastive.epochs: Metric learning needs one class for each image, which multi-label classification does not have; set it to 0.',
      ],
    ],
    [
      '{"loss":{"name":"crossentropy"}}',
      ['loss.name: Loss has no option "crossentropy"; did you mean "cross_entropy"?'],
    ],
    [
      '{"loss":{"label_smoothing":1}}',
      ['loss.label_smoothing: Label smoothing must be at least 0 and below 1; found 1.'],
    ],
    [
      '{"loss":{"class_weights":[1,2]}}',
      ['loss.class_weights: Class weights must be one of none, inverse, effective, manual; found [1,2].'],
    ],
    [
      '{"loss":{"class_weights":"manual"}}',
      ['loss.class_weight_values: Give one number for each class; found 0 numbers.'],
    ],
    [
      '{"loss":{"class_weights":"manual","class_weight_values":[1,2,3]}}',
      [
        'loss.class_weight_values: Give one number for each of the 5 classes, in the order of the Data page; found 3 numbers.',
      ],
    ],
    [
      '{"loss":{"class_weights":"manual","class_weight_values":[0,0,0,0,0]}}',
      ['loss.class_weight_values: At least one class must weigh more than 0; found zeros alone.'],
    ],
    [
      '{"loss":{"class_weights":"manual","class_weight_values":[1,2,3,4,-5]}}',
      ['loss.class_weight_values: Each number of Weights by hand must be at least 0; found -5.'],
    ],
    [
      '{"validation":{"every_epochs":0}}',
      ['validation.every_epochs: Validate every must be at least 1 and at most 1000; found 0.'],
    ],
    [
      '{"validation":{"metric":"f1"}}',
      [
        'validation.metric: Deciding metric has no option "f1"; known: "", accuracy, balanced_accuracy, macro_f1, top5_accuracy, loss.',
      ],
    ],
    ['{"validation":{"folds":1}}', ['validation.folds: Folds must be 0 for none, or at least 2; found 1.']],
    [
      '{"validation":{"folds":5,"fold":5}}',
      ['validation.fold: Held-out fold must be from 0 to 4, as there are 5; found 5.'],
    ],
    ['{"validation":{"folds":5000}}', ['validation.folds: Folds must be at least 0 and at most 50; found 5000.']],
    ['{"early_stopping":true}', ['early_stopping: Early stopping must be an object with named fields; found true.']],
    [
      '{"early_stopping":{"patience":0}}',
      ['early_stopping.patience: Patience must be at least 1 and at most 1000; found 0.'],
    ],
    [
      '{"checkpoints":{"top_k":100,"autosave_seconds":0}}',
      [
        'checkpoints.top_k: Keep the best few must be at least 0 and at most 20; found 100.',
        'checkpoints.autosave_seconds: Save every must be at least 1 and at most 3600; found 0.',
      ],
    ],
    [
      '{"monitoring":{"norms_every":-1}}',
      ['monitoring.norms_every: Norms of the layers every must be at least 0 and at most 100000; found -1.'],
    ],
    ['{"engine":{"name":"torch"}}', ['engine.name: Engine has no option "torch"; known: auto, tfjs.']],
    ['{"engine":{"device":"gpu"}}', ['engine.device: Device has no option "gpu"; did you mean "cpu"?']],
    [
      '{"engine":{"memory_check":"off"}}',
      ['engine.memory_check: Check the memory first must be true or false; found "off".'],
    ],
    ['{"seed":-1}', ['seed: Seed must be at least 0 and at most 4294967295; found -1.']],
    ['{"seed":1.5}', ['seed: Seed must be a whole number, at least 0 and at most 4294967295; found 1.5.']],
  ],
  'Several at once': [
    [
      '{"training":{"epochs":"30","batchsize":32},"optimizer":{"learning_rate":-1,"layer_rates":"x"},"augment":{"scale":[2,1]},"seed":null}',
      [
        'training.batchsize: There is no field "batchsize"; did you mean "batch_size"?',
        'training.epochs: Epochs must be a whole number, at least 1 and at most 10000; found "30".',
        'optimizer.learning_rate: Learning rate must be above 0 and at most 10; found -1.',
        'seed: Seed must be a whole number, at least 0 and at most 4294967295; found null.',
        'augment.scale: The first number must not be above the second; found 2 and 1.',
        'optimizer.layer_rates: Each part is the beginning of parameter names, "=" and a factor, as in "layer1.=0.1"; found "x".',
      ],
    ],
    [
      '{"training":{"epochs":0},"scheduler":{"warmup_epochs":10}}',
      ['training.epochs: Epochs must be at least 1 and at most 10000; found 0.'],
    ],
  ],
  'Older documents': [
    [
      '{"model_type":"jax","model_name":"resnet18"}',
      ['model_type: The model type must be one of tensorflow, pytorch; found "jax".'],
    ],
    [
      '{"model_name":"resnet81","parameters":{"learningrate":0.1,"optimizer":"adm"}}',
      [
        'parameters.learningrate: There is no field "parameters.learningrate"; did you mean "parameters.learning_rate"?',
        'model.name: There is no model "resnet81"; did you mean "resnet18"?',
        'optimizer.name: Optimiser has no option "adm"; did you mean "adam"?',
      ],
    ],
    [
      '{"model_name":"tiny-cnn","parameters":{"num_classes":10}}',
      ['parameters.num_classes: The number of classes comes from the data, which has 5; found 10.'],
    ],
    [
      '{"model_name":"tiny-cnn","parameters":{"num_classes":"ten"},"optimization":{"xla":"yes"}}',
      [
        'parameters.num_classes: The number of classes must be a whole number above 0; found "ten".',
        'optimization.xla: It must be true or false; found "yes".',
      ],
    ],
    [
      '{"version":1,"optimizer":{"name":"adamw2"},"scheduler":5}',
      [
        'optimizer.name: Optimiser has no option "adamw2"; did you mean "adamw"?',
        'scheduler: Learning-rate schedule must be an object with named fields; found 5.',
      ],
    ],
  ],
};

function toldAbout(document: string): readonly string[] {
  try {
    const { problems } = checkJob(JSON.parse(document), { ...catalog, data: photos });
    return problems.map(({ path, message }) => `${path}: ${message}`);
  } catch (error) {
    if (!(error instanceof TrainyardError)) throw error;
    return [`${error.message} ${error.hint}`];
  }
}

it('has at least a hundred rows', () => {
  expect(Object.values(ROWS).flat().length).toBeGreaterThanOrEqual(100);
});

describe.each(Object.entries(ROWS))('%s', (_, rows) => {
  it.each(rows)('%s', (document, told) => {
    expect(toldAbout(document)).toEqual(told);
  });
});
