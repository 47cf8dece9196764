//! The tags that SwarmUI 0.9.8 knows even when a task has no value for them. All names are cleaned: letters only, lower
//! case.

/// The notes that it makes about a generation, and what it says of the time it took.
const NOTES: &str = "
        debugbackend scoring usedembeddings intermediate usedwildcards swarmversion date originalprompt
        originalnegativeprompt presetsused generationtime preptime
";

/// The parameters that it registers itself, its built-in extensions included.
const PARAMS: &str = "
        altresolutionheightmultiplier aspectratio audiosilentprefixduration audiosilentsuffixduration automaticvae
        autowebuisampler batchsize cascadelatentcompression cfgscale clipgmodel cliplmodel clipstopatlayer
        clipvisionmodel colorcorrectionbehavior colordepth comfyuicustomworkflow conditioningmultiplier
        continueaftererrors controlnetend controlnetimageinput controlnetmodel controlnetpreprocessor
        controlnetpreviewonly controlnetstart controlnetstrength controlnetthreeend controlnetthreeimageinput
        controlnetthreemodel controlnetthreepreprocessor controlnetthreestart controlnetthreestrength
        controlnetthreeuniontype controlnettwoend controlnettwoimageinput controlnettwomodel controlnettwopreprocessor
        controlnettwostart controlnettwostrength controlnettwouniontype controlnetuniontype debugregionalprompting
        donotsave donotsaveintermediates dtcfgscaleminimum dtcfgscalemode dtinterpolatephi dtmimicscale
        dtmimicscaleminimum dtmimicscalemode dtscalingstartpoint dtschedulervalue dtseparatefeaturechannels
        dtthresholdpercentile dtvariabilitymeasure easycacheend easycachemode easycachestart easycachethreshold
        enableaitemplate endstepsearly exactbackendid fluxdisableguidance fluxguidancescale forwardrawbackenddata
        forwardswarmdata freeuapplyto freeublockone freeublocktwo freeuskipone freeuskiptwo freeuversion gemmamodel
        gligenmodel globalregionfactor gptossmodel gridgenpresets gridgenpromptadd gridgenpromptreplace height
        imageformat images initimage initimagecreativity initimagenoise initimagerecompositemask initimageresettonorm
        internalbackendtype ipadapterend ipadapterstart ipadapterweight ipadapterweighttype ippcfg llamamodel llavamodel
        loras lorasectionconfinement loratencweights loraweights maskbehavior maskblur maskcompositeunthresholded
        maskgrow maskimage maskshrinkgrow mistralmodel model modelattentionbackend modelspecificenhancements
        negativeconditioningmultiplier negativemodel negativemodelincludeloras negativeprompt nointernalspecialhandling
        noloadmodels nopreviews normalizedattentionguidancealpha normalizedattentionguidancescale
        normalizedattentionguidancetau noseedincrement nunchakucachethreshold outputintermediateimages
        overrideoutpathformat overridepredictiontype personalnote perturbedattentionguidancescale pixeldecodermodel
        placeholderparamgroupstarred placeholderparamgroupuserone placeholderparamgroupuserthree
        placeholderparamgroupusertwo preferreddtype prompt promptaudios promptimages promptvideos qwenmodel
        rawresolution refinercfgscale refinercontrolpercentage refinerdotiling refinerhypertile refinermethod
        refinermodel refinersampler refinerscheduler refinersteps refinerupscale refinerupscalemethod refinervae
        regionalobjectcleanupfactor regionalobjectinpaintingmodel removebackground renormcfg rescalecfgmultiplier
        revisionstrength revisionzeroprompt sambbox samnegativepoints sampler samplerrho samplersigmamax samplersigmamin
        sampositivepoints savesegmentmask scheduler sdtextencs seamlesstileable seed seedvrcolorcorrectionbehavior
        seedvrmodel seedvrpredownscale seedvrsplitlatent seedvrtemporalvideooverlap seedvrupscale seedvrupscalemethod
        segmentapplyafter segmentcfgscale segmentmaskblur segmentmaskgrow segmentmaskoversize segmentmodel
        segmentsortorder segmentsteps segmenttargetresolution segmentthresholdmax selfattentionguidancescale
        selfattentionguidancesigmablur setclipdevice shiftedlatentaverageinit sidelength sigmashift
        smartimagepromptresizing steps stylemodelapplystart stylemodelmergestrength stylemodelmultiplystrength
        teacachemode teacachestart teacachethreshold textaudiobpm textaudioduration textaudiokeyscale textaudiolanguage
        textaudiostyle textaudiotimesignature textvideoframes torchcompile trimvideoendframes trimvideostartframes
        txxlmodel unsamplerprompt usecfgzerostar useinpaintingencode useipadapter usereferenceonly usestylemodel usetcfg
        vae vaetemporaltileoverlap vaetemporaltilesize vaetileoverlap vaetilesize variationseed variationseedstrength
        videoaudioinput videoaugmentationlevel videoboomerang videocfg videoendimage videoextendformat
        videoextendframeoverlap videoextendmodel videoextendswapmodel videoextendswappercent videoformat videofps
        videoframeinterpolationmethod videoframeinterpolationmultiplier videoframes videomincfg videomodel
        videomotionbucket videopreviewtype videoresolution videosteps videoswapmodel videoswappercent
        videovideocreativity webhooks width wildcardseed wildcardseedbehavior yolomodelinternal zeronegative
";

/// Whether a tag of this name is empty where a task has nothing for it; any other stays as it is.
pub(super) fn is_known(name: &str) -> bool {
    [NOTES, PARAMS].iter().any(|names| names.split_ascii_whitespace().any(|known| known == name))
}
